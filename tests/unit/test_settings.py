"""Settings that follow from others."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from settings import Environment, Settings


@pytest.mark.parametrize(
    ("given", "idle"),
    [
        ({}, timedelta(hours=12)),
        ({"environment": Environment.PRODUCTION}, timedelta(minutes=30)),
        ({"environment": Environment.PRODUCTION, "session_hours": 0.25}, timedelta(minutes=15)),
        ({"session_idle_minutes": 45}, timedelta(minutes=45)),
        ({"environment": Environment.PRODUCTION, "session_idle_minutes": 60}, timedelta(hours=1)),
        ({"session_idle_minutes": 6000}, timedelta(hours=12)),
    ],
)
def test_an_unused_session_ends_sooner_in_production_and_never_later_than_a_used_one(
    given: dict[str, object], idle: timedelta
) -> None:
    assert Settings.model_validate(given).session_idle == idle


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"password_sign_in": "administrators"}, "TONGQUAN_OIDC_ISSUER"),
        ({"oidc_issuer": "http://sso.example.gov.cn", "oidc_client_id": "a"}, "https://"),
        ({"oidc_issuer": "sso.example.gov.cn", "oidc_client_id": "a"}, "https://"),
        ({"oidc_issuer": "https://sso.example.gov.cn/?a=b", "oidc_client_id": "a"}, "https://"),
        ({"oidc_issuer": "https://sso.example.gov.cn"}, "TONGQUAN_OIDC_CLIENT_ID"),
        ({"oidc_issuer": "https://sso.example.gov.cn", "oidc_client_id": "a", "oidc_scope": "profile"}, "openid"),
    ],
)
def test_a_unified_sign_in_that_cannot_work_is_refused_at_the_start(given: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Settings.model_validate(given)
