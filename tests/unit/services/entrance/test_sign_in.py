"""Limits on signing in: who guesses waits, the owner does not, and spraying is told."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from freezegun import freeze_time
from freezegun.api import FrozenDateTimeFactory
from sqlmodel import select

from models.account import Account
from models.audit import AuditEntry
from models.database import Database
from models.notification import Notification, NotificationSubject
from models.rate_limit import KnownAddress, RateHit
from services.accounts import passwords, registration
from services.accounts.sessions import BadCredentials
from services.entrance.origins import UNKNOWN, origin_of
from services.entrance.sign_in import sign_in
from services.errors import TooManyRequests
from settings import get_settings
from tests.databases import Databases, new

NOW = datetime(2026, 9, 21, 1, tzinfo=UTC)
PASSWORD = "correct horse"
OFFICE, HOME, ATTACKER = "203.0.113.1", "203.0.113.2", "203.0.113.3"


@pytest.fixture
def clock() -> Iterator[FrozenDateTimeFactory]:
    with freeze_time(NOW) as frozen:
        yield frozen


@pytest.fixture
def database(
    databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: FrozenDateTimeFactory
) -> Iterator[Database]:
    monkeypatch.setenv("TONGQUAN_STATE_DIR", str(tmp_path))
    get_settings.cache_clear()
    with new(databases, tmp_path) as opened:
        with opened.transaction() as session:
            for name in ("li", "wang", *(f"user{number}" for number in range(20))):
                registration.create_account(session, name, name, PASSWORD, [])
        yield opened
    get_settings.cache_clear()


def attempt(database: Database, password: str, origin: str, username: str = "li") -> int | None:
    """Return None when signed in, 0 when refused for the password, else the seconds to wait."""
    try:
        sign_in(database, username, password, origin)
    except BadCredentials:
        return 0
    except TooManyRequests as error:
        return error.retry_after
    return None


def fails(database: Database, times: int, origin: str = ATTACKER, username: str = "li") -> list[int | None]:
    return [attempt(database, "wrong", origin, username) for _ in range(times)]


@pytest.mark.parametrize("username", ["li", "nobody"])
def test_after_five_failures_even_the_right_password_waits_and_unknown_names_are_no_different(
    database: Database, username: str
) -> None:
    assert fails(database, 6, username=username) == [0, 0, 0, 0, 0, 60]
    assert attempt(database, PASSWORD, ATTACKER, username) == 60


def test_after_the_wait_the_right_password_opens_and_forgets_the_failures(
    database: Database, clock: FrozenDateTimeFactory
) -> None:
    fails(database, 5)
    clock.tick(60)
    assert attempt(database, PASSWORD, HOME) is None
    assert fails(database, 5) == [0] * 5


def test_who_goes_on_guessing_waits_longer_and_ten_minutes_at_most(
    database: Database, clock: FrozenDateTimeFactory
) -> None:
    """A guesser from ever new addresses who tries at each first moment he may has sixty guesses an hour."""
    guesses, waits = 0, []
    until = NOW + timedelta(hours=1)
    for number in range(1000):
        answer = attempt(database, "wrong", f"198.51.100.{number % 200}")
        if answer:
            waits.append(answer)
            clock.tick(answer)
        else:
            guesses += 1
        if clock() >= until.replace(tzinfo=None):
            break
    assert guesses <= 60
    assert waits[0] == 60
    assert 60 < max(waits) <= 600


def test_the_owner_is_not_locked_out_where_the_account_is_known(database: Database) -> None:
    assert attempt(database, PASSWORD, OFFICE) is None
    assert fails(database, 6)[-1] == 60
    assert attempt(database, PASSWORD, HOME) == 60
    assert attempt(database, PASSWORD, OFFICE) is None


def test_a_known_address_is_no_place_for_guessing_either(database: Database) -> None:
    attempt(database, PASSWORD, OFFICE)
    assert fails(database, 6, OFFICE) == [0, 0, 0, 0, 0, 60]
    assert attempt(database, PASSWORD, HOME) is None


def test_an_address_that_fails_with_many_accounts_waits_but_its_people_do_not(database: Database) -> None:
    attempt(database, PASSWORD, ATTACKER, "wang")
    answers = [attempt(database, "wrong", ATTACKER, f"user{number}") for number in range(18)]
    assert answers == [0] * 10 + [60] * 8
    assert attempt(database, PASSWORD, ATTACKER, "user19") == 60
    assert attempt(database, PASSWORD, ATTACKER, "wang") is None
    assert attempt(database, PASSWORD, OFFICE, "user19") is None


def test_right_passwords_are_never_limited(database: Database) -> None:
    for _ in range(4):
        assert [attempt(database, PASSWORD, OFFICE, f"user{number}") for number in range(20)] == [None] * 20


def test_a_refused_attempt_costs_no_password_check(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(database, 5)
    monkeypatch.setattr(passwords, "verify", lambda stored, password: pytest.fail("the password was checked"))
    assert attempt(database, PASSWORD, ATTACKER) == 60


def test_an_address_is_forgotten_when_the_account_no_longer_uses_it(
    database: Database, clock: FrozenDateTimeFactory
) -> None:
    attempt(database, PASSWORD, OFFICE)
    clock.tick(timedelta(days=91))
    attempt(database, PASSWORD, HOME)
    with database.reading() as session:
        assert [one.address for one in session.exec(select(KnownAddress))] == [HOME]


def told(database: Database) -> list[Notification]:
    with database.reading() as session:
        return list(session.exec(select(Notification)))


def test_spraying_is_told_once_an_hour_to_the_security_administrator_and_audited(
    database: Database, clock: FrozenDateTimeFactory
) -> None:
    for name in ("user1", "user2", "user2", "nobody", "no-one"):
        attempt(database, "wrong", ATTACKER, name)
    assert told(database) == []
    for name in ("user3", "user4", "user5"):
        attempt(database, "wrong", ATTACKER, name)
    (notification,) = told(database)
    assert notification.to_group == "admin.security"
    assert notification.subject is NotificationSubject.SIGN_IN
    assert ATTACKER in notification.text
    with database.reading() as session:
        entry = session.get_one(AuditEntry, notification.subject_id)
        assert (entry.action, entry.subject, entry.detail) == ("session.sprayed", ATTACKER, {"accounts": 5})
    clock.tick(timedelta(hours=1))
    for name in ("user1", "user2", "user3", "user4", "user5"):
        attempt(database, "wrong", ATTACKER, name)
    assert len(told(database)) == 2


def test_failures_of_one_account_or_from_many_addresses_are_no_spraying(database: Database) -> None:
    fails(database, 10)
    for number in range(10):
        attempt(database, "wrong", f"198.51.100.{number}", f"user{number}")
    assert told(database) == []


def test_a_password_typed_for_a_name_is_not_written_down(database: Database) -> None:
    attempt(database, "wrong", ATTACKER, "typed-password-here")
    with database.reading() as session:
        keys = [one.key for one in session.exec(select(RateHit))]
    assert keys
    assert not [key for key in keys if "typed" in key]


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9%eth0", "2001:db8:1:2::/64"),
        ("::1", "::1"),
        ("a" * 500, UNKNOWN),
        ("", UNKNOWN),
        (None, UNKNOWN),
    ],
)
def test_an_origin_is_an_address_or_the_network_of_one_subscriber(host: str | None, origin: str) -> None:
    assert origin_of(host) == origin


def test_sign_ins_at_once_under_older_parameters_all_succeed_and_renew_the_hash_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    with database.transaction() as session:
        session.get_one(Account, "li").password_hash = older
    made: list[str] = []
    hash_password = passwords.hash_password

    def hash_and_note(password: str) -> str:
        made.append(hash_password(password))
        return made[-1]

    def hash_while_another_signs_in(password: str) -> str:
        monkeypatch.setattr(passwords, "hash_password", hash_and_note)
        assert attempt(database, PASSWORD, HOME) is None
        return hash_password(password)

    monkeypatch.setattr(passwords, "hash_password", hash_while_another_signs_in)
    assert attempt(database, PASSWORD, OFFICE) is None
    with database.reading() as session:
        assert session.get_one(Account, "li").password_hash == made[0], "of the first to finish"
    assert attempt(database, PASSWORD, OFFICE) is None
    assert len(made) == 1


def test_a_password_changed_during_a_sign_in_no_longer_opens(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify = passwords.verify
    other = passwords.hash_password("another horse")

    def verify_then_change(stored: str | None, password: str) -> bool:
        right = verify(stored, password)
        if stored != other:
            with database.transaction() as session:
                session.get_one(Account, "li").password_hash = other
        return right

    monkeypatch.setattr(passwords, "verify", verify_then_change)
    assert attempt(database, PASSWORD, OFFICE) == 0
