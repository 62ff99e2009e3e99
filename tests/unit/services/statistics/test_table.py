"""Every figure, counted again from the rows by another way, over a generated year of cases of all outcomes."""

import io
import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from zipfile import ZipFile

import pytest
from freezegun import freeze_time
from sqlmodel import Session

from models.case import Case, CaseState, Verdict
from models.case_clock import LimitUnit
from models.catalogue import Mode
from models.clock_record import ClockRecord
from models.database import CHINA
from models.supervision import PushRole, SupervisionPush
from services.casefile.case_list import light_of
from services.errors import InvalidInput
from services.statistics import table, workbook
from services.statistics.figures import percentile
from services.statistics.table import By, StatisticsRow
from tests.databases import Databases, new
from tests.factories.cases import build_case
from tests.factories.powers import actor

NOW = datetime(2026, 11, 30, 10, tzinfo=CHINA)
BEGIN, END = date(2026, 2, 1), date(2026, 9, 30)
COORDINATOR = actor("city.coordinator")
PLACES = (
    ("xingguo", "jtys", Mode.DIRECT, "D-01"),
    ("yudu", "zrzy", Mode.SUBSTANTIVE, "S-22"),
    ("yudu", "zrzy", Mode.WINDOW, "W-01"),
)


def at(dice: random.Random, after: datetime, most_days: int) -> datetime:
    """Return an instant some days later, to the second."""
    return after + timedelta(days=dice.randint(0, most_days), seconds=dice.randint(0, 86_399))


def generated(dice: random.Random, number: int) -> tuple[Case, ClockRecord | None, SupervisionPush | None]:
    """Return a case of some outcome, its kept clock where it was decided, and its push where it was closed."""
    area, unit, mode, item = dice.choice(PLACES)
    received = at(dice, datetime(2026, 1, 1, tzinfo=CHINA), 330)
    facts: dict[str, Any] = {"state": CaseState.RECEIVED, "is_open": True}
    fate = dice.choice(["waiting", "corrected", "refused", "not needed", "withdrawn", "running", "special", "decided"])
    owed: dict[str, Any] = {}
    if fate in ("corrected", "withdrawn"):
        facts |= {"correction_requested_at": at(dice, received, 5), "state": CaseState.CORRECTION_OPEN}
    if fate in ("refused", "not needed", "withdrawn"):
        ended = {"refused": CaseState.REFUSED, "not needed": CaseState.NOT_NEEDED, "withdrawn": CaseState.WITHDRAWN}
        facts |= {"closed_at": at(dice, received, 20), "state": ended[fate], "is_open": False}
    if fate in ("running", "special", "decided"):
        accepted = at(dice, received, 5)
        owed = {"due_at": at(dice, accepted, 40), "warn_at": at(dice, accepted, 20)}
        owed["promised_due_at"] = dice.choice([None, at(dice, accepted, 30)])
        state = CaseState.SPECIAL_OPEN if fate == "special" else CaseState.IN_DEPARTMENT
        facts |= {"accepted_at": accepted, "state": state}
        if fate != "decided" and owed["due_at"] < NOW and dice.random() < 0.5:
            facts["overdue_at"] = owed["due_at"] + timedelta(seconds=1)
    clock = push = None
    case_no = f"36073220260101{number:05d}"
    if fate == "decided":
        decided = at(dice, facts["accepted_at"], 60)
        verdict = dice.choice([Verdict.APPROVE, Verdict.DENY])
        facts |= {"decided_at": decided, "decision": verdict, "limit_unit": dice.choice(list(LimitUnit))}
        facts["overdue_at"] = owed["due_at"] if decided > owed["due_at"] else None
        clock = ClockRecord(case_no=case_no, kept_at=decided, body={"used": dice.randint(0, 30)})
        if dice.random() < 0.8:
            closed = at(dice, decided, 10)
            facts |= {"closed_at": closed, "state": CaseState.CLOSED_APPROVED, "is_open": False}
            due = closed + timedelta(days=3)
            push = SupervisionPush(
                case_no=case_no,
                recipient=f"{area}.supervisor",
                role=PushRole.RESPONSIBLE,
                approver_group=f"{area}.approver",
                pushed_at=closed,
                due_at=due,
                escalate_at=due,
                claimed_at=dice.choice([None, at(dice, closed, 6)]),
            )
    made = build_case(
        case_no=case_no,
        query_code="Q",
        item_code=item,
        item_version=1,
        guide_version=1,
        item_name="事项",
        mode=mode,
        power_kind="license",
        power_type="行政许可",
        area=area,
        city_unit=unit,
        project=str(number),
        applicant_digest="d",
        submitted_by=f"{area}.window",
        received_at=received,
        process_id="front-window",
        **facts,
        **owed,
    )
    return made, clock, push


Year = list[tuple[Case, ClockRecord | None, SupervisionPush | None]]


@pytest.fixture(scope="module")
def year(databases: Databases) -> Iterator[tuple[Session, Year]]:
    """Yield a session over a year of cases, and the cases."""
    dice = random.Random(2026)
    with new(databases, seeded=True) as database, Session(database.engine, expire_on_commit=False) as session:
        made = [generated(dice, number) for number in range(600)]
        session.add_all([case for case, _, _ in made])
        session.flush()
        session.add_all([one for _, clock, push in made for one in (clock, push) if one is not None])
        session.flush()
        with freeze_time(NOW):
            yield session, made


def counted_again(made: Year, begin: date, end: date, *, months: bool = False) -> dict[str, Any]:
    """Count a row's figures case by case."""

    def within(moment: datetime | None) -> bool:
        return moment is not None and begin <= moment.astimezone(CHINA).date() <= end

    found: dict[str, Any] = dict.fromkeys(StatisticsRow.model_fields, 0)
    days: list[int] = []
    for case, clock, push in made:
        found["received"] += within(case.received_at)
        found["accepted"] += within(case.accepted_at)
        found["corrected"] += within(case.correction_requested_at)
        found["closed"] += within(case.closed_at)
        if within(case.closed_at):
            found["refused"] += case.state in (4, 5)
            found["withdrawn"] += case.state in (2, 14)
        if within(case.decided_at) and case.decided_at is not None:
            found["approved" if case.decision is Verdict.APPROVE else "denied"] += 1
            found["overdue" if case.decided_at > (case.deadlines.due_at or NOW) else "on_time"] += 1
            if case.deadlines.promised_due_at is not None:
                broken = case.decided_at > case.deadlines.promised_due_at
                found["promise_broken" if broken else "promise_kept"] += 1
            if clock is not None and case.limit_unit is LimitUnit.WORKING_DAY:
                days.append(clock.body["used"])
        if case.is_open and (within(case.received_at) or not months):
            found["open"] += 1
            light = light_of(case, NOW).value
            if light in ("yellow", "red"):
                found[light] += 1
        if push is not None and within(push.pushed_at):
            if push.claimed_at is not None and push.claimed_at <= push.due_at:
                found["push_on_time"] += 1
            elif push.claimed_at is not None or push.due_at < NOW:
                found["push_overdue"] += 1
    decided = found["on_time"] + found["overdue"]
    found["on_time_rate"] = round(found["on_time"] / decided, 4) if decided else None
    found["average_days"] = round(sum(days) / len(days), 2) if days else None
    found["p90_days"] = next((one for one in sorted(days) if sum(d <= one for d in days) >= 0.9 * len(days)), None)
    return {name: value for name, value in found.items() if name not in ("key", "name")}


def figures(row: StatisticsRow) -> dict[str, Any]:
    return row.model_dump(exclude={"key", "name"})


@pytest.mark.parametrize("by", [By.AREA, By.UNIT, By.MODE, By.ITEM])
def test_each_row_is_what_a_count_case_by_case_gives(year: tuple[Session, Year], by: By) -> None:
    session, made = year
    found = table.statistics(session, COORDINATOR, by, BEGIN, END)
    column = {By.AREA: "area", By.UNIT: "city_unit", By.MODE: "mode", By.ITEM: "item_code"}[by]
    groups = sorted({str(getattr(case, column)) for case, _, _ in made})
    assert [row.key for row in found.rows] == groups
    for row in found.rows:
        own = [one for one in made if getattr(one[0], column) == row.key]
        assert figures(row) == counted_again(own, BEGIN, END), row.key
    assert figures(found.total) == counted_again(made, BEGIN, END)
    assert found.total.red
    assert found.total.yellow


def test_months_divide_the_flows_and_have_the_stocks_of_what_came_in_them(year: tuple[Session, Year]) -> None:
    session, made = year
    found = table.statistics(session, COORDINATOR, By.MONTH, date(2026, 2, 10), date(2026, 4, 5))
    days = {
        "2026-02": (date(2026, 2, 10), date(2026, 2, 28)),
        "2026-03": (date(2026, 3, 1), date(2026, 3, 31)),
        "2026-04": (date(2026, 4, 1), date(2026, 4, 5)),
    }
    assert {row.key: figures(row) for row in found.rows} == {
        month: counted_again(made, begin, end, months=True) for month, (begin, end) in days.items()
    }
    assert figures(found.total) == counted_again(made, date(2026, 2, 10), date(2026, 4, 5))


@pytest.mark.parametrize(
    ("reader", "areas"),
    [("xingguo.supervisor", {"xingguo"}), ("city.zrzy.approver", {"yudu"}), ("zhanggong.window", set())],
)
def test_nobody_counts_what_they_may_not_read(year: tuple[Session, Year], reader: str, areas: set[str]) -> None:
    session, _ = year
    found = table.statistics(session, actor(reader), By.AREA, BEGIN, END)
    assert {row.key for row in found.rows} == areas


def test_the_period_is_the_year_so_far_and_cannot_end_before_it_begins(year: tuple[Session, Year]) -> None:
    session, _ = year
    found = table.statistics(session, COORDINATOR, By.MODE)
    assert (found.begin, found.end) == (date(2026, 1, 1), NOW.date())
    with pytest.raises(InvalidInput):
        table.statistics(session, COORDINATOR, By.MODE, END, BEGIN)
    with pytest.raises(InvalidInput):
        table.statistics(session, COORDINATOR, By.MONTH, date(1949, 10, 1), END)


def test_the_workbook_has_the_rows_and_no_formula(year: tuple[Session, Year]) -> None:
    session, _ = year
    found = table.statistics(session, COORDINATOR, By.AREA, BEGIN, END)
    found.rows[0].name = "=1+1"
    with ZipFile(io.BytesIO(workbook.write(found))) as book:
        sheet, texts = (book.read(f"xl/{name}").decode() for name in ("worksheets/sheet1.xml", "sharedStrings.xml"))
    assert "<f>" not in sheet
    assert "=1+1" in texts
    assert f"<v>{found.total.received}</v>" in sheet


def test_a_percentile_is_the_nearest_rank() -> None:
    assert percentile({1: 9, 30: 1}, 0.9) == 1
    assert percentile({1: 8, 30: 2}, 0.9) == 30
    assert percentile({}, 0.9) is None
