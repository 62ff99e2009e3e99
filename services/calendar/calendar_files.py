"""Calendar days from files: columns ``date,working,reason``, one line per day, imported as a whole or not at all."""

import csv
import hashlib
import io
from datetime import date, datetime
from pathlib import Path
from typing import Final

from sqlmodel import Session, select

from models.calendar import CITY_WIDE, CalendarRevision
from models.catalogue import Area
from services.calendar import replanning, revisions
from services.calendar.revisions import DayEntry
from services.errors import FieldProblem, InvalidInput, SetupError
from services.journal import timeline
from settings import PROJECT_ROOT

FOLDER: Final = PROJECT_ROOT / "catalog_data" / "calendars"
COLUMNS: Final = ("date", "working", "reason")
WORKING: Final = dict.fromkeys(("yes", "true", "1", "是"), True) | dict.fromkeys(("no", "false", "0", "否"), False)
LARGEST_FILE: Final = 256 * 1024
MOST_PROBLEMS: Final = 20


def read_days(content: bytes) -> list[DayEntry]:
    """Return the days of a file; raise ``InvalidInput`` naming the row and column of every error."""
    if len(content) > LARGEST_FILE:
        raise InvalidInput([FieldProblem("file", f"文件不能超过{LARGEST_FILE // 1024}KB")])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InvalidInput([FieldProblem("file", f"第{line}行：不是 UTF-8 编码，请另存为 UTF-8 的 CSV")]) from error
    try:
        rows = list(csv.reader(io.StringIO(text), strict=True))
    except csv.Error as error:
        raise InvalidInput([FieldProblem("file", f"不是有效的 CSV：{error}")]) from error
    if not rows or tuple(cell.strip().lower() for cell in rows[0]) != COLUMNS:
        raise InvalidInput([FieldProblem("file", f"第1行：列名应为 {','.join(COLUMNS)}")])
    entries: list[DayEntry] = []
    problems: list[FieldProblem] = []
    seen: dict[date, int] = {}
    for number, row in enumerate(rows[1:], start=2):
        if any(cell.strip() for cell in row):
            _read_row(number, row, seen, entries, problems)
    if not entries and not problems:
        problems.append(FieldProblem("file", "文件里没有日期"))
    if problems:
        raise InvalidInput(problems[:MOST_PROBLEMS])
    return entries


def seed_calendars(session: Session, now: datetime, folder: Path = FOLDER) -> None:
    """Enter the shipped files (``2027.csv``, ``xingguo-2026.csv``) not entered yet, and move the cases they affect.

    A faulty file stops the start. Cases whose dates were provisional are always recomputed: the published holidays come
    with a package, whose next version may reach further.
    """
    known = set(session.exec(select(CalendarRevision.seed_digest)).all())
    for path in sorted(folder.glob("*.csv")):
        content = path.read_bytes()
        digest = hashlib.sha256(path.name.encode() + b"\n" + content).hexdigest()
        if {digest, hashlib.sha256(content).hexdigest()} & known:
            continue
        area, separator, _ = path.stem.rpartition("-")
        place = area if separator else CITY_WIDE
        if place != CITY_WIDE and session.get(Area, place) is None:
            raise SetupError(f"日历文件 {path.name} 的县区代码不存在，请改名或移走")
        try:
            entries = read_days(content)
        except InvalidInput as error:
            raise SetupError(f"日历文件 {path.name} 有误：{error.detail}") from error
        revision = revisions.enter(session, timeline.SYSTEM, place, entries, now, source=path.name, seed_digest=digest)
        if revision is not None:
            revision.moved_cases = replanning.replan(session, place, [one.day for one in entries])
            session.add(revision)
    replanning.replan_provisional(session)


def _read_row(
    number: int, row: list[str], seen: dict[date, int], entries: list[DayEntry], problems: list[FieldProblem]
) -> None:
    place = f"第{number}行"
    if len(row) != len(COLUMNS):
        problems.append(FieldProblem(place, f"应有{len(COLUMNS)}列，实有{len(row)}列"))
        return
    given, word, reason = (cell.strip() for cell in row)
    day = _day(given)
    found = len(problems)
    if day is None:
        problems.append(FieldProblem(f"{place} date", f"“{given}”不是 YYYY-MM-DD 日期"))
    elif not revisions.FIRST_YEAR <= day.year <= revisions.LAST_YEAR:
        problems.append(FieldProblem(f"{place} date", f"年份应在{revisions.FIRST_YEAR}至{revisions.LAST_YEAR}之间"))
    elif day in seen:
        problems.append(FieldProblem(f"{place} date", f"{day}与第{seen[day]}行重复"))
    working = WORKING.get(word.lower())
    if working is None:
        problems.append(FieldProblem(f"{place} working", f"“{word}”应为 yes 或 no"))
    if not reason or len(reason) > revisions.LONGEST_REASON:
        problems.append(FieldProblem(f"{place} reason", f"必填，且不超过{revisions.LONGEST_REASON}字"))
    elif not revisions.is_plain(reason):
        problems.append(FieldProblem(f"{place} reason", revisions.UNPLAIN))
    if len(problems) == found and day is not None and working is not None:
        seen[day] = number
        entries.append(DayEntry(day, working, reason))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == len("2027-01-01") else None
    except ValueError:
        return None
