"""What is asked of a password, and the passwords made for people."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from services.accounts import password_policy
from services.accounts.password_policy import change_is_due, one_time_password, password_problem
from settings import get_settings

NOW = datetime(2026, 9, 21, 1, 0, tzinfo=UTC)


@pytest.fixture
def inspected(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the policy of the inspections (等保) in force."""
    monkeypatch.setenv("TONGQUAN_PASSWORD_POLICY", "mlps")
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


@pytest.mark.parametrize(
    "password", ["correct horse", "一句自己记得住的很长的话", "zzyyxxwwvvuu", "          a long one"]
)
def test_length_is_enough(password: str) -> None:
    assert password_problem("wang.wu", password) is None


@pytest.mark.parametrize(
    "password",
    [
        "ninechars",
        "x" * 257,
        "WANG.WU and more",
        "Woaini5201314",
        "0123456789",
        "9876543210",
        "zyxwvutsrqp",
        "abababababab",
    ],
)
def test_what_is_short_common_or_the_user_name_is_refused(password: str) -> None:
    assert password_problem("wang.wu", password) is not None


def test_a_short_user_name_may_stand_in_a_password_by_chance() -> None:
    assert password_problem("li", "an inclination") is None


def test_every_common_password_would_pass_otherwise() -> None:
    known = password_policy.COMMON
    assert {one for one in known if len(one) < password_policy.MINIMUM_LENGTH or one != one.casefold()} == set()


@pytest.mark.usefixtures("inspected")
def test_the_inspections_ask_for_three_kinds_of_characters() -> None:
    assert password_problem("wang.wu", "correct horse") is not None
    assert password_problem("wang.wu", "Correct horse") is None
    assert password_problem("wang.wu", "correct horse 7") is None
    assert password_problem("wang.wu", "correcthorse7") is not None


@pytest.mark.usefixtures("inspected")
def test_the_inspections_ask_for_a_change_after_ninety_days() -> None:
    assert not change_is_due(False, NOW - timedelta(days=90) + timedelta(seconds=1), NOW)
    assert change_is_due(False, NOW - timedelta(days=90), NOW)
    assert change_is_due(False, None, NOW)


def test_otherwise_no_password_grows_too_old_but_a_one_time_one_is_due_at_once() -> None:
    assert not change_is_due(False, NOW - timedelta(days=4000), NOW)
    assert change_is_due(True, NOW, NOW)


@pytest.mark.usefixtures("inspected")
def test_a_one_time_password_keeps_every_policy_and_is_never_the_same() -> None:
    made = {one_time_password() for _ in range(200)}
    assert len(made) == 200
    assert {password_problem("wang.wu", one) for one in made} == {None}
    assert not set("".join(made)) & set("0O1lIo")
