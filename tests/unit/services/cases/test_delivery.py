"""What the service of papers must leave on record (送达), by its way."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import pytest
from freezegun import freeze_time
from sqlmodel import Session

from models.case import Case
from models.database import CHINA
from services.cases import delivery
from services.cases.delivery import Manner, Service
from services.errors import InvalidInput
from tests.factories.running_case import case, session

__all__ = ["case", "session"]

TODAY = date(2026, 11, 30)
DECIDED = datetime(2026, 10, 20, 16, tzinfo=CHINA)
POSTED = {"manner": "post", "address": "兴国县平川路1号", "tracking_number": "1234567", "delivered_on": "2026-11-27"}
LEFT = {"manner": "left", "place": "申请人住所", "refusal": "拒绝签收", "witness_one": "李某", "witness_two": "王某"}
NOTICE = {
    "manner": "public_notice",
    "published_in": "市政府网站",
    "unreachable": "下落不明",
    "notice_from": "2026-10-31",
}


@pytest.fixture(autouse=True)
def decided(case: Case) -> Iterator[None]:
    """Have the case decided some weeks ago."""
    case.decided_at = DECIDED
    with freeze_time(datetime(2026, 11, 30, 10, tzinfo=CHINA)):
        yield


def refused(session: Session, case: Case, values: dict[str, Any]) -> set[str]:
    with pytest.raises(InvalidInput) as error:
        delivery.require_on_record(session, case, values)
    return {one.field.removeprefix("values.") for one in error.value.problems}


@pytest.mark.parametrize("values", [{}, {"manner": "window"}, POSTED, LEFT, NOTICE], ids=lambda v: str(v.get("manner")))
def test_a_service_on_record_passes(session: Session, case: Case, values: dict[str, Any]) -> None:
    delivery.require_on_record(session, case, values)


@pytest.mark.parametrize(
    ("values", "missing"),
    [
        ({"manner": "post"}, {"address", "tracking_number", "delivered_on"}),
        (POSTED | {"tracking_number": "  "}, {"tracking_number"}),
        ({"manner": "electronic", "consent": False}, {"consent"}),
        ({"manner": "left"}, {"place", "refusal", "witness_one", "witness_two"}),
        ({"manner": "public_notice"}, {"published_in", "unreachable", "notice_from"}),
    ],
)
def test_what_the_way_of_service_needs_is_named(
    session: Session, case: Case, values: dict[str, Any], missing: set[str]
) -> None:
    assert refused(session, case, values) == missing


def test_one_person_cannot_witness_twice(session: Session, case: Case) -> None:
    assert refused(session, case, LEFT | {"witness_two": "李 某"}) == {"witness_two"}


@pytest.mark.parametrize("day", ["2026-12-01", "2026-10-19"], ids=["tomorrow", "before the decision"])
def test_a_day_that_cannot_be_is_refused(session: Session, case: Case, day: str) -> None:
    assert refused(session, case, POSTED | {"delivered_on": day}) == {"delivered_on"}


def test_a_public_notice_serves_when_its_thirty_days_have_run(session: Session, case: Case) -> None:
    assert refused(session, case, NOTICE | {"notice_from": "2026-11-01"}) == {"notice_from"}
    assert Service.from_values(NOTICE, TODAY).served_on == TODAY


def test_the_day_of_the_answer_stands_for_a_day_that_was_not_stated() -> None:
    assert Service.from_values({}, TODAY) == Service(Manner.WINDOW, TODAY)
    assert Service.from_values(POSTED, TODAY).served_on == date(2026, 11, 27)
