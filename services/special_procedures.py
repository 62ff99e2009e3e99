"""Special procedures (特别程序) and the one extension (延期): what stops or lengthens a case's clock."""

import secrets
from typing import Any

from sqlmodel import Session, col, select

from models.case import Case, CaseState
from models.protocol import Message
from models.special_procedure import Extension, SpecialKind, SpecialProcedure
from models.working_calendar import china_date, end_of_day
from services import audit, calendar, deadlines, documents, outbox, rights, timeline
from services.accounts import Actor
from services.clock import product_now
from services.errors import Conflict, FieldProblem, Forbidden, InvalidInput, NotFound

LONGEST_PLAN_DAYS = 365
LONGEST_EXTENSION_DAYS = 10
"""Working days (行政许可法 art. 42)."""


class CaseNotRunning(Conflict):
    """The case is not between acceptance and decision, so its clock cannot be stopped or lengthened."""

    code, title, title_en = "case_not_running", "办件不在办理期间", "Case is not running"


class ProcedureEnded(Conflict):
    """The special procedure is over."""

    code, title, title_en = "special_procedure_ended", "该特别程序已结束", "Special procedure already ended"


class ExtendedBefore(Conflict):
    """A case is extended once at most."""

    code, title, title_en = "extended_before", "办理期限只能延长一次", "Case was extended before"


def begin(session: Session, actor: Actor, case: Case, kind: SpecialKind, days: int, reason: str) -> SpecialProcedure:
    """Begin a special procedure of ``days`` working days; the clock stands still from the next day on."""
    _require_handler(actor, case)
    if not 1 <= days <= LONGEST_PLAN_DAYS:
        raise InvalidInput([FieldProblem("days", f"应为1至{LONGEST_PLAN_DAYS}个工作日")])
    _require_running(case)
    now = product_now(session)
    procedure = SpecialProcedure(
        id=secrets.token_hex(8),
        case_no=case.case_no,
        kind=kind,
        planned_days=days,
        reason=reason,
        begun_by=actor.username,
        begun_at=now,
        planned_end_at=end_of_day(calendar.calendar_of(session, case.area).add_working_days(china_date(now), days)),
    )
    session.add(procedure)
    if case.case_state is not CaseState.SPECIAL_OPEN:
        case.state_before_special, case.state = case.state, CaseState.SPECIAL_OPEN
    session.add(case)
    session.flush()
    deadlines.refresh(session, case)
    documents.issue_special_procedure_notice(session, case, procedure, now)
    timeline.add(
        session,
        case.case_no,
        "special_procedure.begun",
        f"特别程序开始：{kind.value}，预计{days}个工作日。{reason}",
        actor=actor.username,
        at=now,
        key=f"special_procedure.begun:{procedure.id}",
    )
    audit.record(session, actor.username, "special_procedure.begin", case.case_no, {"id": procedure.id}, now)
    outbox.publish_message(
        session,
        Message.SPECIAL_PROCEDURE_STARTED,
        stream=case.case_no,
        correlation_key=case.case_no,
        message_id=f"{procedure.id}:begun",
        variables={"specialProcedureId": procedure.id},
    )
    deadlines.announce_change(session, case)
    return procedure


def end(session: Session, actor: Actor, case: Case, procedure_id: str) -> SpecialProcedure:
    """End a special procedure; the clock runs again from the next day on unless another one covers it."""
    _require_handler(actor, case)
    procedure = session.get(SpecialProcedure, procedure_id)
    if procedure is None or procedure.case_no != case.case_no:
        raise NotFound("没有这个特别程序", "No such special procedure")
    if procedure.ended_at is not None:
        raise ProcedureEnded()
    now = product_now(session)
    procedure.ended_at, procedure.ended_by = now, actor.username
    session.add(procedure)
    session.flush()
    if case.case_state is CaseState.SPECIAL_OPEN and not _running(session, case.case_no):
        case.state = case.state_before_special or CaseState.SPECIAL_CLOSED
        case.state_before_special = None
    session.add(case)
    deadlines.refresh(session, case)
    timeline.add(
        session,
        case.case_no,
        "special_procedure.ended",
        f"特别程序结束：{procedure.kind.value}",
        actor=actor.username,
        at=now,
        key=f"special_procedure.ended:{procedure.id}",
    )
    audit.record(session, actor.username, "special_procedure.end", case.case_no, {"id": procedure.id}, now)
    outbox.publish_message(
        session,
        Message.SPECIAL_PROCEDURE_ENDED,
        stream=case.case_no,
        correlation_key=procedure.id,
        message_id=f"{procedure.id}:ended",
    )
    deadlines.announce_change(session, case)
    return procedure


def remind(session: Session, procedure_id: str) -> None:
    """Record that a special procedure ran past its plan, once, dated by the planned end."""
    procedure = session.get_one(SpecialProcedure, procedure_id)
    if procedure.ended_at is None:
        timeline.add(
            session,
            procedure.case_no,
            "special_procedure.overdue",
            f"特别程序“{procedure.kind.value}”已超过预计的{procedure.planned_days}个工作日，请办结或说明",
            actor=timeline.SYSTEM,
            at=procedure.planned_end_at,
            key=f"special_procedure.overdue:{procedure.id}",
        )


def extend(session: Session, actor: Actor, case: Case, days: int, reason: str) -> Extension:
    """Lengthen the limit once, by at most ten working days, with the approver's reason."""
    if not rights.may_approve(actor, case):
        raise Forbidden("延期须由有权作出决定的审批人批准", "Only the deciding approver may extend")
    if not 1 <= days <= LONGEST_EXTENSION_DAYS:
        raise InvalidInput([FieldProblem("days", f"应为1至{LONGEST_EXTENSION_DAYS}个工作日")])
    if not reason.strip():
        raise InvalidInput([FieldProblem("reason", "必填")])
    _require_running(case)
    if session.exec(select(Extension.id).where(Extension.case_no == case.case_no)).first() is not None:
        raise ExtendedBefore()
    now = product_now(session)
    extension = Extension(
        case_no=case.case_no, days=days, reason=reason.strip(), approved_by=actor.username, approved_at=now
    )
    session.add(extension)
    session.flush()
    deadlines.refresh(session, case)
    documents.issue_extension_notice(session, case, extension, now)
    timeline.add(session, case.case_no, "case.extended", f"延期{days}个工作日：{reason}", actor=actor.username, at=now)
    audit.record(session, actor.username, "case.extend", case.case_no, {"days": days}, now)
    deadlines.announce_change(session, case)
    return extension


def views(session: Session, case_no: str) -> list[dict[str, Any]]:
    """Return a case's special procedures, oldest first."""
    rows = session.exec(select(SpecialProcedure).where(SpecialProcedure.case_no == case_no).order_by("begun_at")).all()
    return [view(one) for one in rows]


def view(one: SpecialProcedure) -> dict[str, Any]:
    """Return one special procedure as the contract shows it."""
    return {
        "id": one.id,
        "kind": one.kind.value,
        "days": one.planned_days,
        "reason": one.reason,
        "begun_at": one.begun_at,
        "planned_end_at": one.planned_end_at,
        "ended_at": one.ended_at,
    }


def _require_handler(actor: Actor, case: Case) -> None:
    if not rights.may_handle(actor, case):
        raise Forbidden("只有承办或审批人员可以办理特别程序", "Only those handling the case may do this")


def _require_running(case: Case) -> None:
    if not case.is_open or case.accepted_at is None or case.decision is not None:
        raise CaseNotRunning()


def _running(session: Session, case_no: str) -> bool:
    query = select(SpecialProcedure.id).where(
        SpecialProcedure.case_no == case_no, col(SpecialProcedure.ended_at).is_(None)
    )
    return session.exec(query).first() is not None


def planned_end(session: Session, procedure_id: str) -> dict[str, Any]:
    """Return the instant at which the process reminds of an overrun: the planned end, or now when it has passed."""
    procedure = session.get_one(SpecialProcedure, procedure_id)
    at = max(procedure.planned_end_at, product_now(session) + deadlines.SHORTEST_SLEEP)
    return {"specialDueAt": at.isoformat(timespec="seconds")}
