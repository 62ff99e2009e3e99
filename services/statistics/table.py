"""The statistics as people ask for them: a period, by county, unit, mode, item or month, for what they may see."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel
from sqlmodel import Session, col

from models.case import Case
from models.catalogue import Mode
from models.working_calendar import china_date, start_of_day
from services.accounts import rights
from services.accounts.actors import Actor
from services.catalogue import in_force
from services.clock import product_now
from services.errors import FieldProblem, InvalidInput
from services.statistics.figures import Figure, Period, Tally, tally

LONGEST_YEARS: Final = 10


class By(StrEnum):
    """What the rows stand for."""

    AREA = "area"
    UNIT = "unit"
    MODE = "mode"
    ITEM = "item"
    MONTH = "month"


COLUMNS: Final[dict[By, Any]] = {
    By.AREA: col(Case.area),
    By.UNIT: col(Case.city_unit),
    By.MODE: col(Case.mode),
    By.ITEM: col(Case.item_code),
}


class StatisticsRow(BaseModel):
    """The figures of one county, unit, mode, item or month, or of all; definitions: docs/reference/statistics.md."""

    key: str
    name: str
    received: int
    accepted: int
    refused: int
    corrected: int
    closed: int
    approved: int
    denied: int
    withdrawn: int
    on_time: int
    overdue: int
    on_time_rate: float | None
    """Of the decisions with either, those within the statutory limit; null where nothing was decided."""
    promise_kept: int
    promise_broken: int
    average_days: float | None
    """Working days from acceptance to decision, suspended days left out; limits in calendar days are not in it."""
    p90_days: int | None
    open: int
    yellow: int
    red: int
    push_on_time: int
    push_overdue: int


class Statistics(BaseModel):
    """A period's figures: the rows and all of them together.

    Stocks (open, yellow, red) stand as of ``as_of``; a month's are of the cases received in it.
    """

    begin: date
    end: date
    by: By
    as_of: datetime
    rows: list[StatisticsRow]
    total: StatisticsRow

    @property
    def file_name(self) -> str:
        """Return the name of a file with these figures, without its ending."""
        return f"statistics-{self.by.value}-{self.begin:%Y%m%d}-{self.end:%Y%m%d}"


def statistics(
    session: Session, actor: Actor, by: By, begin: date | None = None, end: date | None = None
) -> Statistics:
    """Return the figures of the cases the actor may read, of the days from ``begin`` to ``end``, both included.

    Left out, the period is the year so far.

    Raises:
        InvalidInput: the period ends before it begins, or is longer than ten years.
    """
    now = product_now(session)
    last = end or china_date(now)
    first = begin or date(last.year, 1, 1)
    if last < first:
        raise InvalidInput([FieldProblem("to", "截止日期不能早于起始日期")])
    if last.year - first.year > LONGEST_YEARS:
        raise InvalidInput([FieldProblem("from", f"统计期间不能超过{LONGEST_YEARS}年")])
    seen = rights.visible_cases(actor)
    if by is By.MONTH:
        found = {}
        for month, until in _months(first, last):
            days = _period(month, until)
            counted = tally(session, seen, None, days, now, stock=days.holds(Case.received_at))
            found[f"{month:%Y-%m}"] = counted.get(None, Tally())
        total = tally(session, seen, None, _period(first, last), now).get(None, Tally())
    else:
        grouped = tally(session, seen, COLUMNS[by], _period(first, last), now)
        found = {str(key): one for key, one in grouped.items()}
        total = Tally()
        for one in found.values():
            total.add(one)
    names = _names(session, by)
    rows = [_row(key, names.get(key, key), one) for key, one in sorted(found.items())]
    return Statistics(begin=first, end=last, by=by, as_of=now, rows=rows, total=_row("", "合计", total))


def _period(first: date, last: date) -> Period:
    return Period(start_of_day(first), start_of_day(last + timedelta(days=1)))


def _months(first: date, last: date) -> Iterator[tuple[date, date]]:
    """Yield the days of each month that lie in the period: the first and the last of them."""
    begin = first
    while begin <= last:
        following = (begin.replace(day=1) + timedelta(days=32)).replace(day=1)
        yield begin, min(following - timedelta(days=1), last)
        begin = following


def _names(session: Session, by: By) -> dict[str, str]:
    match by:
        case By.AREA:
            return {one.code: one.name for one in in_force.areas(session)}
        case By.UNIT:
            return {one.code: one.name for one in in_force.units(session)}
        case By.MODE:
            return {mode.value: mode.label for mode in Mode}
        case By.ITEM:
            today = china_date(product_now(session))
            return {one.code: one.full_name for one in in_force.items_in_force(session, today)}
        case By.MONTH:
            return {}


def _row(key: str, name: str, one: Tally) -> StatisticsRow:
    return StatisticsRow(
        key=key,
        name=name,
        on_time_rate=None if one.on_time_rate is None else round(one.on_time_rate, 4),
        average_days=None if one.average_days is None else round(one.average_days, 2),
        p90_days=one.p90_days,
        **{figure.value: one.counts[figure] for figure in Figure},
    )
