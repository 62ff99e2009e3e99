"""Recall of delegated powers (按程序收回权限): propose, hear the county, decide, take effect, restore.

The dates on the recall say whether an area has a power on a day, as ``services.catalogue.in_force`` reads them; the
process ``delegation-recall`` awaits them. What becomes of the cases in flight: ``services/takeovers/handover.py``.
"""

from datetime import date, datetime
from typing import Any, Final

from sqlmodel import Session, col, select

from models.catalogue import ItemVersion
from models.group import COORDINATOR, Group, Role
from models.in_flight import Disposition, InFlight
from models.power_event import PowerSubject
from models.protocol import Message
from models.recall import Recall, RecallCase, RecallState
from models.working_calendar import china_date, end_of_day, start_of_day
from services import locks
from services.accounts import power_rights, rights
from services.accounts.actors import Actor
from services.catalogue import in_force
from services.clock import product_now
from services.deadlines.working_calendar import calendar_of
from services.errors import Conflict, FieldProblem, InvalidInput, NotFound
from services.journal import timeline
from services.paging import Order, Page, read
from services.powers import ledger, recorder
from services.process_engine import outbox
from services.process_engine.timers import instant_text
from services.takeovers import cases_in_flight, handover
from services.takeovers.cases_in_flight import PreviewRow, counts_text, effective_instant, preview_row
from services.takeovers.recall_views import RecallView, recall_view

STATEMENT_DAYS: Final = 5
"""Working days the county has to state its view [decision]."""


class RecallClosed(Conflict):
    """The recall's state does not allow the step."""

    code, title, title_en = "recall_state", "收回程序当前状态不允许此操作", "The recall's state does not allow this"


class AlreadyRecalled(Conflict):
    """The power is recalled, or about to be."""

    code, title, title_en = "already_recalled", "该权限已收回或已决定收回", "The power is recalled already"


class CountyNotHeard(Conflict):
    """A recall was proposed and the county's time to state its view still runs."""

    code, title, title_en = "county_not_heard", "尚在听取县级意见期间，不能决定", "The county has not been heard yet"


def propose(session: Session, actor: Actor, item: str, area: str, reason: str) -> RecallView:
    """Propose a recall; the county has five working days to state its view."""
    version = _item(session, item, area)
    power_rights.require_propose_recall(actor, version.unit)
    locks.acquire_power(session, area, item)
    _require_none_running(session, item, area)
    now = product_now(session)
    due = end_of_day(calendar_of(session, area).add_working_days(china_date(now), STATEMENT_DAYS))
    recall = Recall(
        item=item,
        area=area,
        unit=version.unit,
        state=RecallState.PROPOSED,
        reason=reason,
        proposed_by=actor.username,
        proposed_at=now,
        statement_due_at=due,
    )
    session.add(recall)
    session.flush()
    _record_event(session, recall, "recall.proposed", f"拟收回{item}：{reason}", actor.username, now)
    variables = {"recallId": str(recall.id), "statementDueAt": instant_text(due)}
    _publish(session, recall, Message.RECALL_PROPOSED, variables)
    return recall_view(session, actor, recall)


def record_statement(session: Session, actor: Actor, recall_id: int, text: str) -> RecallView:
    """Record the county's statement (陈述意见), once, between the proposal and the end of its term.

    Raises:
        RecallClosed: the county has been heard, the recall decided, or the term is over though no job has said so yet.
    """
    recall = _get_for_update(session, recall_id)
    power_rights.require_state_opinion(actor, recall.area)
    if recall.state is not RecallState.PROPOSED:
        raise RecallClosed("陈述意见的阶段已过")
    now = product_now(session)
    if recall.proposed_at is not None and now < recall.proposed_at:
        raise RecallClosed("陈述意见的时间早于收回建议")
    if recall.statement_due_at is not None and now > recall.statement_due_at:
        raise RecallClosed(f"陈述意见的期限已于{china_date(recall.statement_due_at)}届满")
    recall.state = RecallState.HEARD
    recall.statement, recall.stated_by, recall.stated_at = text, actor.username, now
    session.add(recall)
    _record_event(session, recall, "recall.stated", f"县级陈述意见：{text}", actor.username, now)
    _publish(session, recall, Message.RECALL_STATED)
    return recall_view(session, actor, recall)


def lapse_hearing(session: Session, recall_id: int) -> None:
    """Record that the county said nothing in time, dated by the term's end; the effect of a job."""
    recall = _get_for_update(session, recall_id)
    if recall.state is RecallState.PROPOSED and recall.statement_due_at is not None:
        recall.state = RecallState.HEARD
        session.add(recall)
        text = f"{STATEMENT_DAYS}个工作日内未陈述意见，视为无意见"
        _record_event(session, recall, "recall.hearing_lapsed", text, timeline.SYSTEM, recall.statement_due_at)


def drop(session: Session, actor: Actor, recall_id: int, reason: str) -> RecallView:
    """Decide not to recall."""
    recall = _get_for_update(session, recall_id)
    power_rights.require_decide_recall(actor, recall.unit)
    if recall.state not in (RecallState.PROPOSED, RecallState.HEARD):
        raise RecallClosed
    now = product_now(session)
    recall.state, recall.decided_by, recall.decided_at = RecallState.DROPPED, actor.username, now
    session.add(recall)
    _record_event(session, recall, "recall.dropped", f"决定不予收回：{reason}", actor.username, now)
    _publish(session, recall, Message.RECALL_DROPPED)
    return recall_view(session, actor, recall)


def decide(
    session: Session,
    actor: Actor,
    *,
    item: str,
    area: str,
    reason: str,
    effective_on: date | None,
    in_flight: InFlight,
) -> RecallView:
    """Record a decided recall; an open proposal for the same power is what is decided on.

    It takes effect in this transaction when its day has come, else when the process's timer fires.
    """
    version = _item(session, item, area)
    power_rights.require_decide_recall(actor, version.unit)
    locks.acquire_power(session, area, item)
    now = product_now(session)
    today = china_date(now)
    running = _running(session, item, area)
    if any(one.state in (RecallState.DECIDED, RecallState.EFFECTIVE) for one in running):
        raise AlreadyRecalled
    recall = (
        running[0]
        if running
        else Recall(item=item, area=area, unit=version.unit, state=RecallState.DECIDED, reason=reason)
    )
    if recall.state is RecallState.PROPOSED:
        raise CountyNotHeard(f"县级可于{china_date(recall.statement_due_at or now)}前陈述意见")
    proposed = recall.state is RecallState.HEARD
    recall.state, recall.reason = RecallState.DECIDED, reason
    recall.decided_by, recall.decided_at = actor.username, now
    recall.effective_on, recall.in_flight = max(effective_on or today, today), in_flight
    session.add(recall)
    session.flush()
    text = f"决定自{recall.effective_on}起收回{item}，在办件{in_flight.label}：{reason}"
    _record_event(session, recall, "recall.decided", text, actor.username, now)
    variables = {"effectiveAt": instant_text(start_of_day(recall.effective_on))}
    if proposed:
        _publish(session, recall, Message.RECALL_DECIDED, variables)
    else:
        _publish(session, recall, Message.RECALL_ORDERED, {**variables, "recallId": str(recall.id)})
    if recall.effective_on <= today:
        take_effect(session, recall.id or 0)
    return recall_view(session, actor, recall)


def take_effect(session: Session, recall_id: int) -> None:
    """Make a decided recall effective and deal with every case in flight, once each; dated by the effective day."""
    recall = _get_for_update(session, recall_id)
    now = product_now(session)
    if recall.state is not RecallState.DECIDED or recall.effective_on is None or recall.in_flight is None:
        return
    at = effective_instant(recall.effective_on, recall.decided_at or now, now)
    dispositions = []
    for case in cases_in_flight.of_item(session, recall.item, recall.area, locked=True):
        disposition = handover.disposition_of(session, case, recall.in_flight)
        dispositions.append(disposition)
        session.add(
            RecallCase(recall_id=recall_id, case_no=case.case_no, disposition=disposition, state_code=case.state, at=at)
        )
        if disposition is Disposition.TRANSFER:
            handover.hand_over(session, recall, case, at)
    recall.state, recall.took_effect_at = RecallState.EFFECTIVE, at
    session.add(recall)
    text = f"权限收回生效。{counts_text(dispositions)}"
    _record_event(session, recall, "recall.effective", text, timeline.SYSTEM, at)


def restore(session: Session, actor: Actor, recall_id: int, reason: str) -> RecallView:
    """Give a recalled power back from today on, or revoke a recall that has not taken effect.

    Cases handed over stay with the city.
    """
    recall = _get_for_update(session, recall_id)
    power_rights.require_decide_recall(actor, recall.unit)
    if recall.state not in (RecallState.DECIDED, RecallState.EFFECTIVE):
        raise RecallClosed
    now = product_now(session)
    effective = recall.state is RecallState.EFFECTIVE
    recall.restored_on = china_date(now) if effective else recall.effective_on
    recall.state, recall.restored_by, recall.restore_reason = RecallState.RESTORED, actor.username, reason
    session.add(recall)
    _record_event(
        session, recall, "recall.restored", f"{'恢复权限' if effective else '撤销收回'}：{reason}", actor.username, now
    )
    if not effective:
        _publish(session, recall, Message.RECALL_RESTORED)
    return recall_view(session, actor, recall)


def preview(session: Session, actor: Actor, item: str, area: str) -> Page[PreviewRow]:
    """Return every case in flight with what each choice would do to it."""
    version = _item(session, item, area)
    power_rights.require_see_recalled_cases(actor, area, version.unit)
    rows = [
        preview_row(session, case, {choice: handover.disposition_of(session, case, choice) for choice in InFlight})
        for case in cases_in_flight.of_item(session, item, area)
    ]
    return Page[PreviewRow](items=rows, next=None)


def list_recalls(
    session: Session,
    actor: Actor,
    *,
    item: str | None = None,
    area: str | None = None,
    state: RecallState | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[RecallView]:
    """Return a page of recalls and proposals, the newest first, to the staff of the city and its counties."""
    rights.require_work_on_cases(actor)
    query = select(Recall)
    for column, wanted in ((Recall.item, item), (Recall.area, area), (Recall.state, state)):
        if wanted:
            query = query.where(col(column) == wanted)
    found = read(session, query, Order(Recall.id, descending=True), cursor, limit)
    return found.page(lambda row: recall_view(session, actor, row))


def get(session: Session, actor: Actor, recall_id: int) -> RecallView:
    """Return one recall with its history."""
    rights.require_work_on_cases(actor)
    recall = session.get(Recall, recall_id)
    if recall is None:
        raise _unknown()
    shown = recall_view(session, actor, recall)
    shown.events = ledger.of(session, PowerSubject.RECALL, recall_id)
    return shown


def _item(session: Session, code: str, area: str) -> ItemVersion:
    item = in_force.find_item_or_latest(session, code, china_date(product_now(session)))
    if item is None:
        raise InvalidInput([FieldProblem("item", "没有这个事项")])
    if area not in item.areas:
        raise InvalidInput([FieldProblem("area", "该事项未下放至该县（市、区）")])
    return item


def _running(session: Session, item: str, area: str) -> list[Recall]:
    over = (RecallState.DROPPED, RecallState.RESTORED)
    query = select(Recall).where(Recall.item == item, Recall.area == area, col(Recall.state).not_in(over))
    query = query.order_by(col(Recall.id).desc()).with_for_update().execution_options(populate_existing=True)
    return list(session.exec(query).all())


def _require_none_running(session: Session, item: str, area: str) -> None:
    running = _running(session, item, area)
    if any(one.state in (RecallState.DECIDED, RecallState.EFFECTIVE) for one in running):
        raise AlreadyRecalled
    if running:
        raise RecallClosed("该权限的收回程序正在进行")


def _get_for_update(session: Session, recall_id: int) -> Recall:
    recall = locks.find_for_update(session, Recall, recall_id)
    if recall is None:
        raise _unknown()
    return recall


def _unknown() -> NotFound:
    return NotFound("没有这项收回程序", "No such recall")


def _record_event(session: Session, recall: Recall, event: str, text: str, actor: str, at: datetime) -> None:
    """Record an event, and notify whoever has to act on the step or is affected by it."""
    matter = recorder.Matter(PowerSubject.RECALL, recall.id or 0, recall.area, recall.unit, f"收回{recall.item}")
    due = recall.statement_due_at if event == "recall.proposed" else None
    words = f"{text}（请于{china_date(due)}前陈述意见）" if due is not None else None
    notice = recorder.Notice(_recipients(recall, event), text=words)
    recorder.record(session, matter, event, text, actor=actor, at=at, notices=(notice,))


def _recipients(recall: Recall, event: str) -> list[str]:
    """Return who is notified of a step: the county of what is done to it, who decides of what it said."""
    county = [Group.of_area(recall.area, role).name for role in (Role.APPROVER, Role.CHIEF)]
    window = [Group.of_area(recall.area, Role.WINDOW).name]
    deciders = [Group.of_city_unit(recall.unit, Role.APPROVER).name, COORDINATOR.name]
    return {
        "recall.proposed": county,
        "recall.stated": deciders,
        "recall.hearing_lapsed": deciders,
        "recall.dropped": county,
        "recall.decided": [*county, *window],
        "recall.effective": [*county, *window, Group.of_city_unit(recall.unit, Role.REVIEWER).name],
        "recall.restored": [*county, *window],
    }.get(event, [])


def _publish(session: Session, recall: Recall, message: Message, variables: dict[str, Any] | None = None) -> None:
    outbox.publish_message(
        session,
        message,
        stream=f"recall:{recall.id}",
        correlation_key=str(recall.id),
        message_id=f"recall:{recall.id}:{message.value}",
        variables=variables,
    )
