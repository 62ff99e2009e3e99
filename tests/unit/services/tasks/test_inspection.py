"""The on-site check is made by two different people, on a day that has come."""
# ruff: noqa: F401, F811 - pytest takes the imported fixture by its name.

import pytest
from freezegun import freeze_time
from sqlmodel import Session

from services.errors import InvalidInput
from services.tasks.inspection import require_plausible
from tests.factories.powers import session

LATE_EVENING = "2026-09-21T15:59:00Z"
"""A minute before midnight in China."""


def refused(session: Session, **values: str) -> list[str]:
    """Return the fields for which an answer is refused."""
    with pytest.raises(InvalidInput) as refusal, freeze_time(LATE_EVENING):
        require_plausible(session, values)
    return [one.field for one in refusal.value.problems]


@pytest.mark.parametrize("second", ["张三", " 张 三 "])
def test_one_person_named_twice_is_refused(session: Session, second: str) -> None:
    assert refused(session, inspector_one="张三", inspector_two=second) == ["values.inspector_two"]


def test_a_day_to_come_is_refused(session: Session) -> None:
    assert refused(session, inspected_on="2026-09-22") == ["values.inspected_on"]


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"inspector_one": "张三", "inspector_two": "李四", "inspected_on": "2026-09-21"},
        {"inspector_one": "张三", "inspected_on": None},
    ],
)
def test_what_can_be_true_or_a_form_without_the_fields_passes(session: Session, values: dict[str, str]) -> None:
    with freeze_time(LATE_EVENING):
        require_plausible(session, values)
