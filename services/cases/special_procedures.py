"""Special procedures (特别程序) and the one extension (延期): what stops or lengthens a case's clock."""

import secrets
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from models.case import Case, CaseState
from models.notification import NotificationKind
from models.protocol import Message
from models.special_procedure import Extension, SpecialKind, SpecialProcedure
from models.working_calendar import WorkingCalendar, china_date, end_of_day
from services.accounts import rights
from services.accounts.actors import Actor
from services.cases import hearings
from services.cases.views import GrantedExtensionView, SpecialProcedureView
from services.catalogue import reference
from services.clock import product_now
from services.deadlines import case_deadlines, clock_inputs
from services.deadlines.working_calendar import calendar_of
from services.documents import issuance
from services.errors import Conflict, FieldProblem, InvalidInput, NotFound
from services.journal import audit, task_outcomes, timeline
from services.notifications import inbox
from services.process_engine import outbox
from services.process_engine.timers import timer_text

LONGEST_PLAN_DAYS = max(kind.longest_plan for kind in SpecialKind)
"""The most working days of any kind."""

USUAL_EXTENSION_DAYS = 10
"""Working days by which a limit may be lengthened where the item's guide names no others (行政许可法 art. 42)."""

LONGEST_EXTENSION_DAYS = 365
"""The most working days a guide may allow."""


class CaseNotRunning(Conflict):
    """The case is not between acceptance and decision, so its clock cannot be stopped or lengthened."""

    code, title, title_en = "case_not_running", "办件不在办理期间", "Case is not running"


class ProcedureEnded(Conflict):
    """The special procedure is over."""

    code, title, title_en = "special_procedure_ended", "该特别程序已结束", "Special procedure already ended"


class ExtendedBefore(Conflict):
    """A case is extended once at most."""

    code, title, title_en = "extended_before", "办理期限只能延长一次", "Case was extended before"


class LimitOver(Conflict):
    """The limit has run out, so it can no longer be lengthened (art. 42: only while it runs)."""

    code, title, title_en = "limit_over", "办理期限已经届满，不能延长", "The limit has run out"


def begin(
    session: Session,
    actor: Actor,
    case: Case,
    kind: SpecialKind,
    days: int,
    reason: str,
    hearing: hearings.Hearing | None = None,
) -> SpecialProcedure:
    """Begin a special procedure; the clock stands still from the next day on.

    ``days`` are the working days announced, no more than its kind may take.
    """
    rights.require_handle(actor, case)
    if not 1 <= days <= kind.longest_plan:
        raise InvalidInput([FieldProblem("days", f"{kind.value}应为1至{kind.longest_plan}个工作日")])
    if hearing is not None and kind is not SpecialKind.HEARING:
        raise InvalidInput([FieldProblem("kind", "只有听证可以填写听证日期和主持人")])
    _require_running(session, case)
    now = product_now(session)
    kinds = calendar_of(session, case.area)
    planned_end = kinds.add_working_days(china_date(now), days)
    if hearing is not None:
        hearings.require_lawful(session, case, hearing, kinds, china_date(now), planned_end)
    procedure = SpecialProcedure(
        id=secrets.token_hex(8),
        case_no=case.case_no,
        kind=kind,
        planned_days=days,
        reason=reason,
        begun_by=actor.username,
        begun_at=now,
        planned_end_at=end_of_day(planned_end),
        **(vars(hearing) if hearing is not None else {}),
    )
    session.add(procedure)
    if case.case_state is not CaseState.SPECIAL_OPEN:
        case.state_before_special, case.state = case.state, CaseState.SPECIAL_OPEN
    session.add(case)
    session.flush()
    case_deadlines.refresh(session, case)
    issuance.issue_special_procedure_notice(
        session, case, procedure, now, provisional=clock_inputs.plan_is_provisional(procedure, kinds)
    )
    issuance.issue_hearing_papers(session, case, procedure, now)
    timeline.append(
        session,
        case.case_no,
        "special_procedure.begun",
        f"特别程序开始：{kind.value}，预计{days}个工作日。{reason}",
        actor=actor.username,
        at=now,
        key=f"special_procedure.begun:{procedure.id}",
    )
    audit.append(session, actor.username, "special_procedure.begin", case.case_no, {"id": procedure.id}, now)
    outbox.publish_message(
        session,
        Message.SPECIAL_PROCEDURE_STARTED,
        stream=case.case_no,
        correlation_key=case.case_no,
        message_id=f"{procedure.id}:begun",
        variables={"specialProcedureId": procedure.id},
    )
    case_deadlines.announce_change(session, case)
    return procedure


def set_hearing(
    session: Session, actor: Actor, case: Case, procedure_id: str, given: hearings.Hearing
) -> SpecialProcedure:
    """Record what is now known of a running hearing; what ``given`` leaves out stays, and the law is checked again."""
    rights.require_handle(actor, case)
    procedure = _get(session, case, procedure_id)
    if procedure.kind is not SpecialKind.HEARING:
        raise InvalidInput([FieldProblem("kind", "只有听证可以填写听证日期和主持人")])
    if procedure.ended_at is not None or not case.is_open:
        raise ProcedureEnded()
    now = product_now(session)
    known = {name: getattr(procedure, name) for name in vars(given)}
    merged = hearings.Hearing(**{**known, **{name: value for name, value in vars(given).items() if value is not None}})
    if merged == hearings.Hearing(**known):
        return procedure
    kinds = calendar_of(session, case.area)
    held_anew = given.held_on is not None and given.held_on != procedure.held_on
    hearings.require_lawful(
        session, case, merged, kinds, china_date(now), china_date(procedure.planned_end_at), noticed=held_anew
    )
    for name, value in vars(merged).items():
        setattr(procedure, name, value)
    session.add(procedure)
    issuance.issue_hearing_papers(session, case, procedure, now)
    particulars = [f"{label}{value}" for label, value in hearings.particulars(session, merged)]
    timeline.append(
        session,
        case.case_no,
        "special_procedure.hearing",
        f"听证安排：{'，'.join(particulars)}",
        actor=actor.username,
        at=now,
        key=f"special_procedure.hearing:{procedure.id}:{now.isoformat()}",
    )
    audit.append(session, actor.username, "special_procedure.hearing", case.case_no, {"id": procedure.id}, now)
    return procedure


def _get(session: Session, case: Case, procedure_id: str) -> SpecialProcedure:
    procedure = session.get(SpecialProcedure, procedure_id)
    if procedure is None or procedure.case_no != case.case_no:
        raise NotFound("没有这个特别程序", "No such special procedure")
    return procedure


def end(session: Session, actor: Actor, case: Case, procedure_id: str) -> SpecialProcedure:
    """End a special procedure; the clock runs again from the next day on unless another one covers it."""
    rights.require_handle(actor, case)
    procedure = _get(session, case, procedure_id)
    if procedure.ended_at is not None or not case.is_open:
        raise ProcedureEnded()
    now = product_now(session)
    procedure.ended_at, procedure.ended_by = now, actor.username
    session.add(procedure)
    session.flush()
    if case.case_state is CaseState.SPECIAL_OPEN and not _running(session, case.case_no):
        case.state, case.state_before_special = CaseState.SPECIAL_CLOSED, None
    session.add(case)
    case_deadlines.refresh(session, case)
    timeline.append(
        session,
        case.case_no,
        "special_procedure.ended",
        f"特别程序结束：{procedure.kind.value}",
        actor=actor.username,
        at=now,
        key=f"special_procedure.ended:{procedure.id}",
    )
    audit.append(session, actor.username, "special_procedure.end", case.case_no, {"id": procedure.id}, now)
    outbox.publish_message(
        session,
        Message.SPECIAL_PROCEDURE_ENDED,
        stream=case.case_no,
        correlation_key=procedure.id,
        message_id=f"{procedure.id}:ended",
    )
    case_deadlines.announce_change(session, case)
    return procedure


def end_with_case(session: Session, case: Case, username: str, at: datetime) -> None:
    """End what is still open when a case is over before its decision; the process ends with the case's own."""
    query = select(SpecialProcedure).where(
        SpecialProcedure.case_no == case.case_no, col(SpecialProcedure.ended_at).is_(None)
    )
    for procedure in session.exec(query).all():
        procedure.ended_at, procedure.ended_by = at, username
        session.add(procedure)
    session.flush()


def restart_monitor(session: Session, case: Case, occasion: str = "takeover") -> None:
    """Have the process that continues the case monitor what is open: the former monitor ended with its process."""
    query = select(SpecialProcedure).where(
        SpecialProcedure.case_no == case.case_no, col(SpecialProcedure.ended_at).is_(None)
    )
    for procedure in session.exec(query).all():
        message_id = f"{procedure.id}:{occasion}"
        if outbox.is_queued(session, Message.SPECIAL_PROCEDURE_STARTED, message_id):
            continue
        outbox.publish_message(
            session,
            Message.SPECIAL_PROCEDURE_STARTED,
            stream=case.case_no,
            correlation_key=case.case_no,
            message_id=message_id,
            variables={"specialProcedureId": procedure.id},
        )


def remind(session: Session, procedure_id: str) -> None:
    """Remind of a special procedure that ran past its plan, once, dated by the planned end."""
    procedure = session.get_one(SpecialProcedure, procedure_id)
    if procedure.ended_at is not None:
        return
    case = session.get_one(Case, procedure.case_no)
    key = f"special_procedure.overdue:{procedure.id}"
    text = f"特别程序“{procedure.kind.value}”已超过预计的{procedure.planned_days}个工作日，请办结或说明"
    at = procedure.planned_end_at
    timeline.append(session, case.case_no, "special_procedure.overdue", text, actor=timeline.SYSTEM, at=at, key=key)
    cause = inbox.Cause("special_procedure_overdue", text, at, key)
    inbox.notify(session, case, NotificationKind.REMINDER, inbox.groups_at_work(session, case), cause)
    inbox.notify(session, case, NotificationKind.SUPERVISION, inbox.supervising_groups(session, case), cause)


def longest_extension(session: Session, case: Case) -> int:
    """Return by how many working days the case's limit may be lengthened: as its guide says, else ten (art. 42)."""
    guide = reference.guide(session, case.item_code, case.guide_version)
    named = guide.limits.extension if guide is not None and guide.limits is not None else None
    return USUAL_EXTENSION_DAYS if named is None else named


def extend(session: Session, actor: Actor, case: Case, days: int, reason: str) -> Extension:
    """Lengthen the limit once, within what the item's guide or the law allows, with the approver's reason."""
    rights.require_extend(actor, case)
    most = longest_extension(session, case)
    if not 1 <= days <= most:
        allowed = f"应为1至{most}个工作日" if most else "该事项的办事指南规定办理期限不得延长"
        raise InvalidInput([FieldProblem("days", allowed)])
    if not reason.strip():
        raise InvalidInput([FieldProblem("reason", "必填")])
    _require_running(session, case)
    if session.exec(select(Extension.id).where(Extension.case_no == case.case_no)).first() is not None:
        raise ExtendedBefore()
    now = product_now(session)
    if case.deadlines.due_at is not None and now > case.deadlines.due_at:
        raise LimitOver()
    extension = Extension(
        case_no=case.case_no, days=days, reason=reason.strip(), approved_by=actor.username, approved_at=now
    )
    session.add(extension)
    session.flush()
    case_deadlines.refresh(session, case)
    issuance.issue_extension_notice(session, case, extension, now)
    timeline.append(
        session,
        case.case_no,
        "case.extended",
        f"延期{days}个工作日：{extension.reason}",
        actor=actor.username,
        at=now,
    )
    audit.append(session, actor.username, "case.extend", case.case_no, {"days": days}, now)
    case_deadlines.announce_change(session, case)
    return extension


def views(session: Session, case: Case) -> list[SpecialProcedureView]:
    """Return a case's special procedures, oldest first."""
    query = select(SpecialProcedure).where(SpecialProcedure.case_no == case.case_no).order_by("begun_at")
    kinds = calendar_of(session, case.area)
    return [_view(one, kinds) for one in session.exec(query).all()]


def view(session: Session, case: Case, one: SpecialProcedure) -> SpecialProcedureView:
    """Return one special procedure as the contract shows it."""
    return _view(one, calendar_of(session, case.area))


def extension_view(session: Session, case_no: str) -> GrantedExtensionView | None:
    """Return a case's extension, or None."""
    one = session.exec(select(Extension).where(Extension.case_no == case_no)).first()
    return GrantedExtensionView.model_validate(one, from_attributes=True) if one is not None else None


def _view(one: SpecialProcedure, kinds: WorkingCalendar) -> SpecialProcedureView:
    return SpecialProcedureView(
        id=one.id,
        kind=one.kind,
        days=one.planned_days,
        reason=one.reason,
        begun_at=one.begun_at,
        planned_end_at=one.planned_end_at,
        provisional=clock_inputs.plan_is_provisional(one, kinds),
        ended_at=one.ended_at,
        presiding_officer=one.presiding_officer,
        told_on=one.told_on,
        requested_on=one.requested_on,
        held_on=one.held_on,
    )


def _require_running(session: Session, case: Case) -> None:
    if not case.is_open or case.accepted_at is None or task_outcomes.is_decided(session, case):
        raise CaseNotRunning()


def _running(session: Session, case_no: str) -> bool:
    query = select(SpecialProcedure.id).where(
        SpecialProcedure.case_no == case_no, col(SpecialProcedure.ended_at).is_(None)
    )
    return session.exec(query).first() is not None


def planned_end(session: Session, procedure_id: str) -> dict[str, Any]:
    """Return the instant at which the process reminds of an overrun: the planned end, or now when it has passed."""
    procedure = session.get_one(SpecialProcedure, procedure_id)
    return {"specialDueAt": timer_text(procedure.planned_end_at, product_now(session))}
