"""The unified sign-in from inside: an answer is used once, names stay harmless, and changed keys are fetched."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from freezegun import freeze_time
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from sqlmodel import select

from models.audit import AuditEntry
from models.database import Database
from models.notification import Notification
from services.accounts import registration
from services.entrance import identity_provider, oidc
from services.entrance.identity_provider import IdentityProvider, IdentityRefused, ProviderUnavailable
from services.entrance.oidc import NotAdmitted
from settings import Settings, get_settings
from tests.databases import Databases, new

CALLBACK, ORIGIN = "https://spj.example.gov.cn/login/oidc/callback", "203.0.113.1"
SETTINGS = Settings(oidc_issuer="https://sso.example.gov.cn", oidc_client_id="tongquan")
METADATA = {
    "issuer": SETTINGS.oidc_issuer,
    "authorization_endpoint": "https://sso.example.gov.cn/auth",
    "token_endpoint": "https://sso.example.gov.cn/token",
}


class Trusting(IdentityProvider):
    """A provider that vouches for the same user name whatever it is asked."""

    def __init__(self, username: str) -> None:
        super().__init__(SETTINGS)
        self.username = username

    def _fetched(self) -> identity_provider._Documents:
        return identity_provider._Documents(METADATA, KeySet([]), identity_provider.monotonic())

    def redeem(self, answer: Mapping[str, str], redirect_uri: str, nonce: str, verifier: str) -> str:
        return self.username


@pytest.fixture
def database(databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    monkeypatch.setenv("TONGQUAN_STATE_DIR", str(tmp_path))
    get_settings.cache_clear()
    with new(databases, tmp_path) as opened:
        with opened.transaction() as session:
            registration.create_account(session, "li", "li", "correct horse", [])
        yield opened
    get_settings.cache_clear()


def begun(provider: IdentityProvider) -> tuple[dict[str, str], str]:
    """Return the answer to a sign-in that was begun, and what the browser kept of it."""
    one = oidc.begin(provider, CALLBACK, "/cases")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(one.url).query).items()}
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == CALLBACK
    return {"state": asked["state"], "code": "one"}, one.kept


def test_an_answer_is_used_once_even_where_the_provider_takes_its_code_again(database: Database) -> None:
    provider = Trusting("li")
    answer, kept = begun(provider)
    signed_in, wanted = oidc.complete(database, provider, answer, kept, CALLBACK, ORIGIN)
    assert (signed_in.actor.username, wanted) == ("li", "/cases")
    with pytest.raises(IdentityRefused) as refused:
        oidc.complete(database, provider, answer, kept, CALLBACK, ORIGIN)
    assert refused.value.reason == "finished before"


def test_a_sign_in_takes_ten_minutes_at_most(database: Database) -> None:
    provider = Trusting("li")
    with freeze_time("2026-09-21 01:00:00") as clock:
        answer, kept = begun(provider)
        clock.tick(601)
        with pytest.raises(IdentityRefused):
            oidc.complete(database, provider, answer, kept, CALLBACK, ORIGIN)


@pytest.mark.parametrize("name", ["王五", "a\0b", "x" * 5000, "\ud800", "two\nlines", "li "])
def test_what_nobody_here_can_be_called_is_refused_and_told_in_printable_words(database: Database, name: str) -> None:
    provider = Trusting(name)
    answer, kept = begun(provider)
    with pytest.raises(NotAdmitted):
        oidc.complete(database, provider, answer, kept, CALLBACK, ORIGIN)
    with database.reading() as session:
        entry = session.exec(select(AuditEntry).where(AuditEntry.action == "session.refuse")).one()
        told = session.exec(select(Notification)).one()
    for text in (entry.subject, told.text):
        assert text.isprintable()
    assert len(entry.subject) <= registration.USERNAME_LENGTH


class Changing(IdentityProvider):
    """A provider whose key changes with each look at its documents; it can be away."""

    def __init__(self, *keys: RSAKey) -> None:
        super().__init__(SETTINGS)
        self.keys = list(keys)
        self.looks = 0
        self.away = False

    def _fetched(self) -> identity_provider._Documents:
        self.looks += 1
        if self.away:
            raise ValueError("no answer")
        return identity_provider._Documents(METADATA, KeySet([self.keys.pop(0)]), identity_provider.monotonic())


def signed(key: RSAKey) -> str:
    return jwt.encode({"alg": "RS256", "kid": key.kid}, {"sub": "li"}, key)


def test_a_changed_key_is_fetched_and_a_strange_one_not_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(identity_provider, "monotonic", lambda: now)
    old, new, strange = (RSAKey.generate_key(2048, {"kid": kid}) for kid in ("old", "new", "strange"))
    provider = Changing(old, new)
    assert provider._decoded(signed(old)).claims == {"sub": "li"}
    now += 60
    assert provider._decoded(signed(new)).claims == {"sub": "li"}
    for _ in range(3):
        with pytest.raises(identity_provider.JoseError):
            provider._decoded(signed(strange))
    assert provider.looks == 2


def test_a_provider_that_is_away_is_asked_again_after_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(identity_provider, "monotonic", lambda: now)
    provider = Changing(RSAKey.generate_key(2048, {"kid": "one"}))
    provider.away = True
    for _ in range(3):
        with pytest.raises(ProviderUnavailable):
            provider.authorization_url(CALLBACK, "state", "nonce", "verifier")
    assert provider.looks == 1
    provider.away = False
    now += 11
    assert provider.authorization_url(CALLBACK, "state", "nonce", "v" * 43).startswith(
        "https://sso.example.gov.cn/auth?"
    )
