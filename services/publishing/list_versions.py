"""New lists of items (事项清单): import, compare, review, and publish as dated versions.

A list is a CSV file in the form of ``catalog_data/items.csv``. Nothing changes until somebody other than its drafter
publishes it; then every item that differs gets a new version from the list's day on. A running case keeps the
version, the guide and the process it was submitted under.
"""

import csv
import hashlib
import io
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from sqlmodel import Session, col, select

from catalog_data.schema import Item
from catalog_data.tables import describe
from models.catalogue import Area, AreaKind, ItemVersion, Mode, PowerKind, Responsibility, SupervisorLevel, Unit
from models.list_version import ListDraft, ListDraftState
from models.power_event import PowerSubject
from models.working_calendar import china_date
from services import locks
from services.accounts import publishing_rights
from services.accounts.actors import Actor
from services.clock import product_now
from services.errors import Conflict, FieldProblem, InvalidInput, NotFound
from services.paging import Order, Page, read
from services.powers import ledger, recorder
from services.publishing import list_files
from services.publishing.list_differences import FIELDS, Difference, differences, supervisor_level

COLUMNS: Final = tuple(name for name, field in Item.model_fields.items() if field.is_required())
OPTIONAL_COLUMNS: Final = tuple(name for name in Item.model_fields if name not in COLUMNS)
"""A file that omits one of these leaves that field as it is."""
MAX_ROWS: Final = 2000
MAX_PROBLEMS: Final = 50
EVERYWHERE: Final = "all"
NOT_ZONES: Final = "not_zones"


class DraftClosed(Conflict):
    """The draft's state does not allow the step."""

    code, title, title_en = "list_state", "清单当前状态不允许此操作", "The draft's state does not allow this"


class ListDraftRow(BaseModel):
    """A draft as lists show it."""

    id: int
    title: str
    source: str
    in_force_from: date
    complete: bool
    state: ListDraftState
    items: int
    drafted_by: str
    drafted_at: datetime
    submitted_at: datetime | None
    reviewed_by: str | None
    reviewed_at: datetime | None
    review_note: str


class ListDraftView(ListDraftRow):
    """A draft with what it would change, or did change when it was published."""

    differences: list[Difference]
    events: list[ledger.PowerEventView]


def import_list(
    session: Session, actor: Actor, *, title: str, source: str, in_force_from: date, complete: bool, text: str
) -> ListDraftView:
    """Read a list as a draft; raise ``InvalidInput`` naming line and column of what is wrong."""
    publishing_rights.require_draft_list(actor)
    now = product_now(session)
    if in_force_from < china_date(now):
        raise InvalidInput([FieldProblem("in_force_from", "不能早于今天")])
    rows = _rows(session, text)
    draft = ListDraft(
        title=title,
        source=source,
        in_force_from=in_force_from,
        complete=complete,
        rows=rows,
        digest=hashlib.sha256(text.encode()).hexdigest(),
        drafted_by=actor.username,
        drafted_at=now,
    )
    session.add(draft)
    session.flush()
    _record_event(
        session, draft, "list.drafted", f"导入清单《{title}》，{len(rows)}项，自{in_force_from}起", actor.username
    )
    return view(session, draft)


def submit(session: Session, actor: Actor, draft_id: int) -> ListDraftView:
    """Hand a draft in for review."""
    publishing_rights.require_draft_list(actor)
    draft = _get_for_update(session, draft_id)
    if draft.state not in (ListDraftState.DRAFT, ListDraftState.REJECTED):
        raise DraftClosed
    draft.state, draft.submitted_at = ListDraftState.REVIEW, product_now(session)
    session.add(draft)
    _record_event(session, draft, "list.submitted", "提交审定", actor.username)
    return view(session, draft)


def reject(session: Session, actor: Actor, draft_id: int, note: str) -> ListDraftView:
    """Send a draft back to its drafter."""
    draft = _reviewed(session, actor, draft_id)
    draft.state, draft.review_note = ListDraftState.REJECTED, note
    session.add(draft)
    _record_event(session, draft, "list.rejected", f"退回：{note}", actor.username)
    return view(session, draft)


def publish(session: Session, actor: Actor, draft_id: int, note: str = "") -> ListDraftView:
    """Publish a reviewed list: new versions from its day on; running cases are not touched."""
    locks.acquire(session, "item-list")
    draft = _reviewed(session, actor, draft_id)
    if draft.in_force_from < china_date(product_now(session)):
        raise DraftClosed("清单的实施日期已过，请退回修改")
    found = differences(session, draft.rows, draft.in_force_from, draft.complete)
    rows = {row["code"]: row for row in draft.rows}
    for difference in found:
        if difference.kind == "ended":
            _end(session, difference.code, draft.in_force_from)
        else:
            _new_version(session, draft, rows[difference.code])
    draft.published_changes = [one.model_dump(mode="json") for one in found]
    draft.state, draft.review_note = ListDraftState.PUBLISHED, note
    session.add(draft)
    _record_event(
        session, draft, "list.published", f"发布清单，变更{len(found)}项，自{draft.in_force_from}起", actor.username
    )
    return view(session, draft)


def get(session: Session, actor: Actor, draft_id: int) -> ListDraftView:
    """Return a draft with its differences."""
    publishing_rights.require_read_lists(actor)
    draft = session.get(ListDraft, draft_id)
    if draft is None:
        raise _unknown()
    return view(session, draft)


def list_drafts(session: Session, actor: Actor, *, cursor: str | None = None, limit: int = 50) -> Page[ListDraftRow]:
    """Return a page of drafts, the newest first."""
    publishing_rights.require_read_lists(actor)
    found = read(session, select(ListDraft), Order(ListDraft.id, descending=True), cursor, limit)
    return found.page(lambda row: ListDraftRow.model_validate(_row(row)))


def view(session: Session, draft: ListDraft) -> ListDraftView:
    """Return a draft as the contract shows it."""
    if draft.state is ListDraftState.PUBLISHED:
        found = [Difference.model_validate(one) for one in draft.published_changes]
    else:
        found = differences(session, draft.rows, draft.in_force_from, draft.complete)
    events = ledger.of(session, PowerSubject.LIST_DRAFT, draft.id or 0)
    return ListDraftView.model_validate({**_row(draft), "differences": found, "events": events})


def _rows(session: Session, text: str) -> list[dict[str, Any]]:
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    try:
        lines = list(reader)
    except csv.Error as error:
        raise InvalidInput([FieldProblem("file", f"不是CSV文件：第{reader.line_num + 1}行无法读取")]) from error
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise InvalidInput([FieldProblem("file", f"缺少列：{'、'.join(missing)}")])
    optional = [name for name in OPTIONAL_COLUMNS if name in (reader.fieldnames or ())]
    areas = list(session.exec(select(Area).order_by(col(Area.position))).all())
    units = set(session.exec(select(Unit.code).where(col(Unit.deciding))).all())
    rows, problems, seen = [], [], set()
    for line, raw in enumerate(lines, start=2):
        if line > MAX_ROWS + 1:
            raise InvalidInput([FieldProblem("file", f"不能超过{MAX_ROWS}行")])
        try:
            given = {name: list_files.plain(raw.get(name) or "") for name in (*COLUMNS, *optional)}
            item = Item.model_validate(given | {"territory": EVERYWHERE})
        except ValidationError as error:
            problems += [
                FieldProblem(f"file.{line}.{one['loc'][0] if one['loc'] else 'seal'}", describe(one))
                for one in error.errors()
            ]
            continue
        territory = _territory(given["territory"], areas)
        faults = {
            "code": "编码重复" if item.code in seen else None,
            "unit": None if item.unit in units else "没有这个市级单位",
            "territory": None if territory else "没有这个地域范围",
        }
        problems += [FieldProblem(f"file.{line}.{name}", fault) for name, fault in faults.items() if fault]
        seen.add(item.code)
        rows.append(_content(item, territory, optional))
    if not rows and not problems:
        problems.append(FieldProblem("file", "清单没有内容"))
    if problems:
        raise InvalidInput(problems[:MAX_PROBLEMS])
    return rows


def _territory(named: str, areas: Sequence[Area]) -> list[str]:
    """Return the areas a territory names: all, all but the zones, or codes separated by spaces; empty if unknown."""
    if named == EVERYWHERE:
        return [area.code for area in areas]
    if named == NOT_ZONES:
        return [area.code for area in areas if area.kind is not AreaKind.ZONE]
    wanted = set(named.split())
    found = [area.code for area in areas if area.code in wanted]
    return found if len(found) == len(wanted) else []


def _content(item: Item, territory: list[str], optional: Sequence[str]) -> dict[str, Any]:
    return {
        "code": item.code,
        "mode": item.mode.value,
        "row": item.row,
        "unit": item.unit,
        "main_name": item.main_name,
        "sub_name": item.sub_name,
        "power_type": item.power_type,
        "remark": item.remark,
        "areas": territory,
        "approval_filing": item.approval_filing,
        **{name: getattr(item, name) for name in optional},
    }


def _new_version(session: Session, draft: ListDraft, row: dict[str, Any]) -> None:
    versions = _versions(session, row["code"])
    begins = draft.in_force_from
    for old in versions:
        if old.in_force_to is None and (old.in_force_from is None or old.in_force_from < begins):
            old.in_force_to = begins - timedelta(days=1)
            session.add(old)
    latest = versions[-1] if versions else None
    kept = {name: getattr(latest, name) for name in OPTIONAL_COLUMNS if latest is not None}
    content: dict[str, Any] = kept | {name: row[name] for name in FIELDS if name in row} | {"mode": Mode(row["mode"])}
    session.add(
        ItemVersion(
            **content,
            code=row["code"],
            version=latest.version + 1 if latest else 1,
            in_force_from=begins,
            power_kind=PowerKind.from_printed(row["power_type"]),
            provenance={"list": draft.title, "source": draft.source, "draft": draft.id},
        )
    )
    _name_supervisor(session, row, draft)


def _name_supervisor(session: Session, row: dict[str, Any], draft: ListDraft) -> None:
    """Name who supervises from the list's day on where the mode asks for it: a new item, or one that changed sides.

    A county's industry departments supervise what the county decides. What the city decides goes back to the city
    department that was last named for it, else to the deciding unit's own supervision office; both assumed.
    """
    begins = draft.in_force_from
    query = select(Responsibility).where(Responsibility.item == row["code"])
    duties = list(session.exec(query.order_by(col(Responsibility.version))).all())
    level = supervisor_level(Mode(row["mode"]))
    current = next((one for one in reversed(duties) if one.in_force(begins)), None)
    if current is not None and current.level is level:
        return
    for old in duties:
        if old.in_force_to is None and (old.in_force_from is None or old.in_force_from < begins):
            old.in_force_to = begins - timedelta(days=1)
            session.add(old)
    named = next((one.supervisor_unit for one in reversed(duties) if one.level is SupervisorLevel.CITY), row["unit"])
    why = "放权方式改变" if duties else "新增事项"
    session.add(
        Responsibility(
            item=row["code"],
            version=duties[-1].version + 1 if duties else 1,
            level=level,
            supervisor_unit=named if level is SupervisorLevel.CITY else "",
            assumed=True,
            basis=f"《{draft.title}》{why}，暂定",
            in_force_from=begins,
        )
    )


def _end(session: Session, code: str, begins: date) -> None:
    for old in _versions(session, code):
        if old.in_force_to is None or old.in_force_to >= begins:
            old.in_force_to = begins - timedelta(days=1)
            session.add(old)


def _versions(session: Session, code: str) -> list[ItemVersion]:
    query = select(ItemVersion).where(ItemVersion.code == code).order_by(col(ItemVersion.version))
    return list(session.exec(query).all())


def _row(draft: ListDraft) -> dict[str, Any]:
    return {**draft.model_dump(exclude={"rows"}), "items": len(draft.rows)}


def _reviewed(session: Session, actor: Actor, draft_id: int) -> ListDraft:
    """Return a draft under review that the actor may decide on, with the review noted."""
    draft = _get_for_update(session, draft_id)
    publishing_rights.require_publish_list(actor, draft.drafted_by)
    if draft.state is not ListDraftState.REVIEW:
        raise DraftClosed
    draft.reviewed_by, draft.reviewed_at = actor.username, product_now(session)
    return draft


def _get_for_update(session: Session, draft_id: int) -> ListDraft:
    draft = locks.find_for_update(session, ListDraft, draft_id)
    if draft is None:
        raise _unknown()
    return draft


def _unknown() -> NotFound:
    return NotFound("没有这份清单", "No such list")


def _record_event(session: Session, draft: ListDraft, event: str, text: str, actor: str) -> None:
    now = product_now(session)
    matter = recorder.Matter(PowerSubject.LIST_DRAFT, draft.id or 0)
    recorder.record(session, matter, event, text, actor=actor, at=now, key=f"{event}:{now.isoformat()}")
