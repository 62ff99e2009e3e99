"""Settings that follow from others."""

from datetime import timedelta

import pytest

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
