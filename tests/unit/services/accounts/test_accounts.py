"""Accounts: tokens, groups, demonstration accounts."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from freezegun import freeze_time
from sqlmodel import Session, select

from models.account import AccessToken, Account
from models.catalogue import Area, AreaKind, CountyUnit, Responsibility, SupervisorLevel, Unit
from models.database import Database
from services.accounts import actors, demo_accounts, passwords, registration, sessions
from services.accounts.sessions import BadCredentials
from services.errors import InvalidInput, SetupError, Unauthenticated
from services.journal import audit
from settings import Settings, get_settings
from tests.databases import Databases, new

NOW = datetime(2026, 9, 21, 1, 0, tzinfo=UTC)
PASSWORD = "correct horse"


@pytest.fixture
def database(databases: Databases, tmp_path: Path) -> Iterator[Database]:
    with new(databases, tmp_path) as opened:
        with opened.transaction() as session:
            registration.create_account(session, "li", "李", PASSWORD, ["xingguo.window", "xingguo.reviewer"])
        yield opened


def attempt(database: Database, password: str, at: datetime, username: str = "li") -> sessions.SignIn | None:
    try:
        with database.transaction() as session:
            return sessions.sign_in(session, username, password, "127.0.0.1", at)
    except BadCredentials:
        return None


def test_a_token_tells_who_it_belongs_to_until_it_ends(database: Database) -> None:
    signed_in = attempt(database, PASSWORD, NOW)
    assert signed_in is not None
    assert signed_in.expires_at == NOW + timedelta(hours=Settings().session_hours)
    with database.reading() as session, freeze_time(signed_in.expires_at - timedelta(seconds=1)):
        actor = sessions.authenticate(session, signed_in.token)
        assert actor.groups == {"xingguo.window", "xingguo.reviewer"}
        assert sessions.resume(session, signed_in.token).csrf == signed_in.csrf
    with database.reading() as session, freeze_time(signed_in.expires_at), pytest.raises(Unauthenticated):
        sessions.authenticate(session, signed_in.token)


def test_an_inactive_account_loses_its_tokens(database: Database) -> None:
    signed_in = attempt(database, PASSWORD, NOW)
    assert signed_in is not None
    with database.transaction() as session:
        session.get_one(Account, "li").active = False
    with database.reading() as session, freeze_time(NOW), pytest.raises(Unauthenticated):
        sessions.authenticate(session, signed_in.token)
    assert attempt(database, PASSWORD, NOW) is None


def test_an_unknown_name_costs_a_password_check_too(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    real = passwords._hasher()
    monkeypatch.setattr(passwords, "_hasher", lambda: Counting(real, checked))
    attempt(database, PASSWORD, NOW, username="nobody")
    attempt(database, "wrong", NOW)
    assert len(checked) == 2
    assert len({stored.split("$")[3] for stored in checked}) == 1, "the same work for both"


class Counting:
    """A hasher that notes every check."""

    def __init__(self, real: PasswordHasher, checked: list[str]) -> None:
        self.real, self.checked = real, checked

    def verify(self, stored: str, password: str) -> bool:
        self.checked.append(stored)
        return self.real.verify(stored, password)

    def hash(self, password: str) -> str:
        return self.real.hash(password)


def test_signing_in_and_failing_are_audited_and_unknown_names_are_not_written_down(database: Database) -> None:
    attempt(database, "wrong", NOW)
    attempt(database, PASSWORD, NOW)
    attempt(database, PASSWORD, NOW, username="typed-password-here")
    with database.reading() as session:
        assert audit.verify(session) == []
        assert audit.head(session).id == 2


def test_expired_tokens_are_cleared_away_at_the_next_sign_in(database: Database) -> None:
    attempt(database, PASSWORD, NOW)
    attempt(database, PASSWORD, NOW + timedelta(days=2))
    with database.reading() as session:
        assert len(session.exec(select(AccessToken)).all()) == 1


def test_signing_out_ends_one_session_only(database: Database) -> None:
    first, second = attempt(database, PASSWORD, NOW), attempt(database, PASSWORD, NOW)
    assert first is not None
    assert second is not None
    with database.transaction() as session:
        sessions.sign_out(session, first.token)
    with database.reading() as session, freeze_time(NOW):
        assert sessions.authenticate(session, second.token).username == "li"
        with pytest.raises(Unauthenticated):
            sessions.authenticate(session, first.token)


@pytest.mark.parametrize(
    "groups",
    [
        ["admin.security", "xingguo.window"],
        ["admin.audit", "city.coordinator"],
    ],
)
def test_an_administrator_holds_no_other_role(database: Database, groups: list[str]) -> None:
    with database.transaction() as session, pytest.raises(registration.AdministratorsExclusive):
        registration.create_account(session, "wang", "王", PASSWORD, groups)


def test_nobody_holds_two_of_the_three_administrators(database: Database) -> None:
    with database.transaction() as session, pytest.raises(registration.SeparationOfDuties):
        registration.create_account(session, "wang", "王", PASSWORD, ["admin.system", "admin.audit"])


@pytest.mark.parametrize(
    ("username", "password"),
    [("", PASSWORD), ("x" * 65, PASSWORD), ("wang", "short"), ("wang", "password1234"), ("wang", "my name is Wang")],
)
def test_a_bad_name_or_a_poor_password_is_refused(database: Database, username: str, password: str) -> None:
    with database.transaction() as session, pytest.raises(InvalidInput):
        registration.create_account(session, username, "王", password, [])


def test_a_taken_name_is_refused(database: Database) -> None:
    with database.transaction() as session, pytest.raises(registration.AccountExists):
        registration.create_account(session, "li", "另一个李", PASSWORD, [])


def test_an_inactive_account_has_no_groups(database: Database) -> None:
    with database.transaction() as session:
        assert actors.groups_of(session, "li") == ["xingguo.reviewer", "xingguo.window"]
        session.get_one(Account, "li").active = False
        session.flush()
        assert actors.groups_of(session, "li") == []


def test_a_city_supervisor_supervises_what_the_matrix_in_force_says(database: Database) -> None:
    with database.transaction() as session:
        for item, version, unit, since in (
            ("W-01", 1, "slj", None),
            ("W-02", 1, "slj", None),
            ("W-02", 2, "lyj", NOW.date()),
            ("W-03", 1, "lyj", None),
            ("W-03", 2, "slj", NOW.date() + timedelta(days=2)),
        ):
            session.add(
                Responsibility(
                    item=item,
                    version=version,
                    level=SupervisorLevel.CITY,
                    supervisor_unit=unit,
                    assumed=True,
                    in_force_from=since,
                )
            )
        registration.create_account(session, "zhao", "赵", PASSWORD, ["city.slj.supervisor"])
    with freeze_time(NOW):
        signed_in = attempt(database, PASSWORD, NOW, username="zhao")
    assert signed_in is not None
    assert signed_in.actor.supervised_items == {"W-01"}


def seed(session: Session) -> int:
    area = Area(
        code="rongjiang",
        name="蓉江新区",
        kind=AreaKind.ZONE,
        division_code="360799",
        pseudo_code=True,
        position=1,
    )
    unit = CountyUnit(
        area="rongjiang",
        code="jfj",
        name="区经发局",
        reviewer_group="rongjiang.jfj.reviewer",
        assumed=False,
        position=1,
    )
    city = [
        Unit(code="zrzy", name="市自然资源局", deciding=True, position=1),
        Unit(code="slj", name="市水利局", deciding=False, position=2),
    ]
    return demo_accounts.seed_demo_accounts(session, [area], [unit], city)


def test_demonstration_accounts_are_named_like_their_groups_and_made_once(database: Database) -> None:
    with database.transaction() as session:
        assert seed(session) == 15
        assert seed(session) == 0
        names = {one.username: one.display_name for one in session.exec(select(Account)).all()}
    assert names["rongjiang.window"] == "蓉江新区综合窗口"
    assert names["rongjiang.jfj.reviewer"] == "区经发局承办人"
    assert names["city.zrzy.approver"] == "市自然资源局审批人"
    assert "city.slj.supervisor" in names
    assert "city.slj.approver" not in names
    signed_in = attempt(database, demo_accounts.DEMO_PASSWORD, NOW, username="city.zrzy.approver")
    assert signed_in is not None
    assert signed_in.actor.groups == {"city.zrzy.approver"}


def test_production_gets_no_demonstration_account(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TONGQUAN_ENVIRONMENT", "production")
    get_settings.cache_clear()
    try:
        with database.transaction() as session, pytest.raises(SetupError):
            seed(session)
    finally:
        get_settings.cache_clear()
