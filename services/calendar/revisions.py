"""Changes of the working calendar: days entered for the city or one area, and their history.

A change is a revision: who, when, from what, and the former value of every day. It is applied as a whole or not at all,
and moves the dates of every running case it affects in the same transaction.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from pydantic import BaseModel
from sqlmodel import Session, col, select

from models import working_calendar
from models.calendar import CITY_WIDE, CalendarChange, CalendarDay, CalendarRevision
from models.catalogue import Area
from models.working_calendar import (
    ONE_DAY,
    DayKind,
    Missing,
    published_until,
)
from services.accounts import system_rights
from services.accounts.actors import Actor
from services.clock import product_now
from services.deadlines.working_calendar import calendar_of
from services.errors import FieldProblem, InvalidInput, NotFound
from services.journal import audit
from services.paging import Order, Page, read

FIRST_YEAR, LAST_YEAR = 2004, 2100
"""The first year of the published schedule; no limit reaches beyond the last."""
LONGEST_REASON = 200
BY_HAND = "手工录入"
UNPLAIN = "含有换行或控制字符"
UNPLAIN_SIGNS = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode's control characters, lone surrogates and line ends."""


@dataclass(frozen=True)
class DayEntry:
    """A day as somebody entered it; ``working`` of None takes the entered day back."""

    day: date
    working: bool | None
    reason: str


class DayChange(BaseModel):
    """A day before and after a revision, as the history shows it."""

    date: date
    before: str
    after: str


class RevisionView(BaseModel):
    """One change of the calendar: who, when, from what, with every day before and after."""

    id: int
    area: str
    source: str
    changed_by: str
    changed_at: datetime
    moved_cases: int
    days: list[DayChange]


def days_of_year(session: Session, area: str, year: int) -> list[tuple[date, DayKind]]:
    """Return every day of a year in one area (``CITY_WIDE`` for the city)."""
    require_area(session, area)
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise InvalidInput([FieldProblem("year", f"应在{FIRST_YEAR}至{LAST_YEAR}之间")])
    kinds = calendar_of(session, area)
    day, found = date(year, 1, 1), []
    while day.year == year:
        found.append((day, kinds.day(day)))
        day += ONE_DAY
    return found


def missing_of_year(session: Session, year: int) -> Missing | None:
    """Return what the days entered for a year lack before its dates are certain; None when none or all are there."""
    first, last = date(year, 1, 1), date(year, 12, 31)
    if last <= published_until():
        return None
    query = select(CalendarDay).where(CalendarDay.area == CITY_WIDE, col(CalendarDay.day).between(first, last))
    days = {row.day: DayKind(row.working, row.reason) for row in session.exec(query).all()}
    return working_calendar.missing_of_year(year, days) if days else None


def require_change(session: Session, actor: Actor, area: str) -> None:
    """Raise ``Forbidden`` unless the account may change the calendar of ``area``; ``NotFound`` for an unknown one."""
    system_rights.require_change_calendar(actor, area)
    require_area(session, area)


def require_area(session: Session, area: str) -> None:
    """Raise ``NotFound`` for an unknown area."""
    if area != CITY_WIDE and session.get(Area, area) is None:
        raise NotFound(f"没有这个县区：{area}", f"No such area: {area}")


def change(
    session: Session,
    actor: Actor,
    area: str,
    entries: Sequence[DayEntry],
    *,
    source: str = BY_HAND,
) -> CalendarRevision | None:
    """Enter days for the city or one area; return the revision, or None when nothing differs.

    Raises ``InvalidInput`` naming the position of every faulty day; then nothing has changed.
    """
    require_change(session, actor, area)
    _require_good(entries)
    revision = enter(session, actor.username, area, entries, product_now(session), source=source)
    if revision is not None:
        detail = {"area": area, "revision": revision.id, "days": revision.days, "source": source}
        audit.append(session, actor.username, "calendar.change", area or "city", detail, revision.changed_at)
    return revision


def enter(
    session: Session,
    username: str,
    area: str,
    entries: Sequence[DayEntry],
    now: datetime,
    *,
    source: str,
    seed_digest: str | None = None,
) -> CalendarRevision | None:
    """Write the days that differ as one revision; the caller has checked rights and input."""
    recorded = _recorded(session, area)
    differing = [one for one in entries if _differs(one, recorded.get(one.day))]
    if not differing and seed_digest is None:
        return None
    revision = CalendarRevision(
        area=area, source=source, seed_digest=seed_digest, changed_by=username, changed_at=now, days=len(differing)
    )
    session.add(revision)
    session.flush()
    for one in differing:
        before = recorded.get(one.day)
        _write(session, revision, one, before)
    session.flush()
    return revision


def history(session: Session, area: str, *, cursor: str | None = None, limit: int = 20) -> Page[RevisionView]:
    """Return the revisions that apply to an area, newest first, with every day's value before and after."""
    query = select(CalendarRevision).where(col(CalendarRevision.area).in_({CITY_WIDE, area}))
    found = read(session, query, Order(CalendarRevision.id, descending=True), cursor, limit)
    keys = [row.id for row in found.rows]
    changes = session.exec(
        select(CalendarChange).where(col(CalendarChange.revision_id).in_(keys)).order_by(col(CalendarChange.day))
    ).all()
    return found.page(
        lambda row: RevisionView(
            id=row.id or 0,
            area=row.area,
            source=row.source,
            changed_by=row.changed_by,
            changed_at=row.changed_at,
            moved_cases=row.moved_cases,
            days=[_day_change(one) for one in changes if one.revision_id == row.id],
        )
    )


def is_plain(reason: str) -> bool:
    """Tell whether a reason is one line without control characters: it is shown on pages and in day lists."""
    return not any(unicodedata.category(sign) in UNPLAIN_SIGNS for sign in reason)


def _require_good(entries: Sequence[DayEntry]) -> None:
    problems = []
    seen: set[date] = set()
    for position, one in enumerate(entries):
        if not FIRST_YEAR <= one.day.year <= LAST_YEAR:
            problems.append(FieldProblem(f"days.{position}.date", f"年份应在{FIRST_YEAR}至{LAST_YEAR}之间"))
        elif one.day in seen:
            problems.append(FieldProblem(f"days.{position}.date", f"{one.day}重复"))
        seen.add(one.day)
        if one.working is not None and not one.reason.strip():
            problems.append(FieldProblem(f"days.{position}.reason", "必填"))
        elif not is_plain(one.reason):
            problems.append(FieldProblem(f"days.{position}.reason", UNPLAIN))
        elif len(one.reason) > LONGEST_REASON:
            problems.append(FieldProblem(f"days.{position}.reason", f"不能超过{LONGEST_REASON}字"))
    if problems:
        raise InvalidInput(problems)


def _recorded(session: Session, area: str) -> Mapping[date, CalendarDay]:
    rows: Iterable[CalendarDay] = session.exec(select(CalendarDay).where(CalendarDay.area == area)).all()
    return {row.day: row for row in rows}


def _differs(entry: DayEntry, recorded: CalendarDay | None) -> bool:
    if recorded is None or entry.working is None:
        return (recorded is None) != (entry.working is None)
    return (entry.working, entry.reason.strip()) != (recorded.working, recorded.reason)


def _write(session: Session, revision: CalendarRevision, entry: DayEntry, before: CalendarDay | None) -> None:
    reason = entry.reason.strip() if entry.working is not None else None
    session.add(
        CalendarChange(
            revision_id=revision.id or 0,
            day=entry.day,
            working_before=before.working if before is not None else None,
            reason_before=before.reason if before is not None else None,
            working=entry.working,
            reason=reason,
        )
    )
    if entry.working is None or reason is None:
        session.delete(before)
        return
    row = before or CalendarDay(
        area=revision.area, day=entry.day, working=True, reason="", entered_by="", entered_at=revision.changed_at
    )
    row.working, row.reason = entry.working, reason
    row.entered_by, row.entered_at = revision.changed_by, revision.changed_at
    session.add(row)


def _day_change(one: CalendarChange) -> DayChange:
    before, after = _value(one.working_before, one.reason_before), _value(one.working, one.reason)
    return DayChange(date=one.day, before=before, after=after)


def _value(working: bool | None, reason: str | None) -> str:
    if working is None:
        return "按公布安排"
    return f"{'工作日' if working else '休息日'}（{reason}）"
