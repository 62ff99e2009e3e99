"""Revoke a certificate (撤销, 行政许可法 art. 69): notice with the reason, the holder is heard, decision.

The organ that decided the grant conducts it, by the approver who would decide such a case now. Nothing is decided
before the holder's statement (陈述、申辩), or that there was none in time, is on record, with the hearing that was
asked for (arts. 7, 36, 46).
"""

from datetime import date, datetime
from typing import Final

from pydantic import BaseModel
from sqlmodel import Session, col, select

from models.case import Case, Verdict
from models.catalogue import PowerKind
from models.certificate import CertificateRevocation, CertificateState, RevocationGround, RevocationOutcome
from models.document import Certificate, CertificateStatus
from models.task_outcome import TaskOutcome, TaskOutcomeStatus
from models.working_calendar import china_date
from services.accounts import rights
from services.accounts.actors import Actor
from services.certificates import effects, history
from services.clock import product_now
from services.deadlines.working_calendar import calendar_of
from services.documents import certificates, issuance
from services.errors import Conflict, FieldProblem, InvalidInput, NotFound
from services.journal import audit, seals

HEARING_REQUEST_DAYS: Final = 5
"""Working days the holder has from the notice on to ask for a hearing (art. 47), and to make a statement [decision]."""


class RevocationNotAllowed(Conflict):
    """It is no licence, has ended, is being revoked already, or an approved case is about to change it."""

    code, title, title_en = "revocation_not_allowed", "该证照现在不能撤销", "The certificate cannot be revoked now"


class RevocationEnded(Conflict):
    """The procedure was decided before."""

    code, title, title_en = "revocation_ended", "撤销程序已经结束", "The procedure has ended"


class NotHeard(Conflict):
    """The holder has not been heard, and the days for it are not over."""

    code, title, title_en = "holder_not_heard", "尚未听取被许可人的陈述、申辩", "The holder has not been heard"


class RevocationView(BaseModel):
    """A procedure to revoke a certificate."""

    id: int
    number: str
    ground: RevocationGround
    ground_name: str
    basis: str
    facts: str
    opened_by: str
    opened_at: datetime
    notified_at: datetime
    statement_due_on: date
    statement: str | None
    hearing: str
    heard_by: str | None
    heard_at: datetime | None
    outcome: RevocationOutcome | None
    reason: str
    decided_by: str | None
    decided_at: datetime | None


def open_procedure(session: Session, actor: Actor, number: str, ground: RevocationGround, facts: str) -> RevocationView:
    """Begin the procedure: what is intended and why, told to the holder; the holder may state their case.

    Raises:
        NotFound: no such certificate.
        Forbidden: the actor would not decide such a case.
        RevocationNotAllowed: it is no licence, it has ended, or a procedure runs.
    """
    certificate = _locked(session, actor, number)
    case = session.get_one(Case, certificate.case_no)
    _require_licence(case)
    _require_valid(session, certificate)
    if _open_of(session, number) is not None:
        raise RevocationNotAllowed("该证照的撤销程序正在进行")
    now = product_now(session)
    row = CertificateRevocation(
        number=number,
        case_no=certificate.case_no,
        ground=ground,
        facts=facts,
        opened_by=actor.username,
        opened_at=now,
        notified_at=now,
    )
    session.add(row)
    session.flush()
    seals.seal(session, row)
    issuance.issue_revocation_notice(session, case, row, HEARING_REQUEST_DAYS, now)
    text = f"启动撤销程序（《行政许可法》{ground.paragraph}：{ground.label}），已告知被许可人陈述、申辩和申请听证的权利"
    _append(session, certificate, row, "revocation.opened", text, actor, now)
    audit.append(session, actor.username, "certificate.revocation_open", number, {"ground": ground.value}, now)
    return view(session, row)


def record_hearing(
    session: Session, actor: Actor, number: str, revocation_id: int, statement: str, hearing: str
) -> RevocationView:
    """Record what the holder stated, or that there was nothing, and how a hearing went that was asked for."""
    certificate, row = _running(session, actor, number, revocation_id)
    now = product_now(session)
    row.statement, row.hearing = statement, hearing
    row.heard_by, row.heard_at = actor.username, now
    session.add(row)
    session.flush()
    seals.seal(session, row, "hearing")
    text = f"记录陈述、申辩：{statement}" + (f"；听证：{hearing}" if hearing else "")
    _append(session, certificate, row, "revocation.heard", text, actor, now)
    audit.append(session, actor.username, "certificate.revocation_hear", number, {}, now)
    return view(session, row)


def decide(
    session: Session, actor: Actor, number: str, revocation_id: int, outcome: RevocationOutcome, reason: str
) -> RevocationView:
    """Decide the procedure: the certificate is revoked here, on paper and, once told, in the library, or it stands.

    Raises:
        NotHeard: the holder was not heard, and may still be.
        InvalidInput: the days are over, but what the holder said, or that nothing was said, is not recorded.
        RevocationNotAllowed: the certificate has ended meanwhile, or an approved case is about to change it.
    """
    certificate, row = _running(session, actor, number, revocation_id)
    now = product_now(session)
    if outcome is RevocationOutcome.REVOKED:
        if row.statement is None:
            if china_date(now) <= _statement_due(session, row):
                raise NotHeard(f"陈述、申辩和申请听证的期限至{_statement_due(session, row)}，期限内听取后方可决定")
            raise InvalidInput([FieldProblem("statement", "请先记录陈述、申辩的情况，逾期未提出的也应记录")])
        _require_valid(session, certificate)
        _require_no_approved_case(session, number)
    row.outcome, row.reason = outcome, reason
    row.decided_by, row.decided_at = actor.username, now
    session.add(row)
    session.flush()
    seals.seal(session, row, "decision")
    if outcome is RevocationOutcome.REVOKED:
        issuance.issue_revocation(session, session.get_one(Case, certificate.case_no), row, now)
        text = f"依《行政许可法》{row.ground.paragraph}撤销：{reason}"
        effects.end(
            session,
            certificate,
            CertificateStatus.REVOKED,
            text,
            case_no=certificate.case_no,
            actor=actor.username,
            at=now,
        )
    else:
        _append(session, certificate, row, "revocation.dropped", f"不予撤销：{reason}", actor, now)
    audit.append(session, actor.username, "certificate.revocation_decide", number, {"outcome": outcome.value}, now)
    return view(session, row)


def of_certificate(session: Session, actor: Actor, number: str) -> list[RevocationView]:
    """Return the procedures about a certificate, oldest first, to who may read its case."""
    certificate = certificates.find(session, number)
    if certificate is None:
        raise NotFound("没有这份证照", "No such certificate")
    rights.require_read_case(actor, session.get_one(Case, certificate.case_no))
    query = select(CertificateRevocation).where(CertificateRevocation.number == number)
    return [view(session, one) for one in session.exec(query.order_by(col(CertificateRevocation.id))).all()]


def view(session: Session, row: CertificateRevocation) -> RevocationView:
    """Return a procedure as it is shown."""
    own = row.model_dump(exclude={"case_no"})
    return RevocationView(
        **own,
        ground_name=row.ground.label,
        basis=f"《行政许可法》{row.ground.paragraph}",
        statement_due_on=_statement_due(session, row),
    )


def _locked(session: Session, actor: Actor, number: str) -> Certificate:
    certificate = session.get(Certificate, number.strip(), with_for_update=True, populate_existing=True)
    if certificate is None:
        raise NotFound("没有这份证照", "No such certificate")
    rights.require_revoke(actor, session.get_one(Case, certificate.case_no))
    return certificate


def _running(
    session: Session, actor: Actor, number: str, revocation_id: int
) -> tuple[Certificate, CertificateRevocation]:
    certificate = _locked(session, actor, number)
    row = session.get(CertificateRevocation, revocation_id, populate_existing=True)
    if row is None or row.number != certificate.number:
        raise NotFound("没有这个撤销程序", "No such procedure")
    if row.outcome is not None:
        raise RevocationEnded
    return certificate, row


def _require_licence(case: Case) -> None:
    if PowerKind(case.power_kind) is not PowerKind.LICENSE:
        raise RevocationNotAllowed("撤销程序依据《行政许可法》第六十九条，只适用于行政许可")


def _require_valid(session: Session, certificate: Certificate) -> None:
    state = certificates.state_of(session, certificate, china_date(product_now(session)))
    if state is not CertificateState.VALID:
        raise RevocationNotAllowed(f"证照{state.label}，不能撤销")


def _require_no_approved_case(session: Session, number: str) -> None:
    """Refuse while a case is approved that changes the certificate as soon as its process comes to it."""
    query = (
        select(Case.case_no)
        .join(TaskOutcome, col(TaskOutcome.case_no) == Case.case_no)
        .where(
            Case.certificate_number == number,
            col(Case.is_open),
            TaskOutcome.outcome == Verdict.APPROVE.value,
            TaskOutcome.status != TaskOutcomeStatus.OVERTAKEN,
        )
    )
    approved = session.exec(query).first()
    if approved is not None:
        raise RevocationNotAllowed(f"办件{approved}已决定，正在变更该证照，请待其办结", case_no=approved)


def _open_of(session: Session, number: str) -> CertificateRevocation | None:
    query = select(CertificateRevocation).where(
        CertificateRevocation.number == number, col(CertificateRevocation.outcome).is_(None)
    )
    return session.exec(query).first()


def _statement_due(session: Session, row: CertificateRevocation) -> date:
    area = session.get_one(Case, row.case_no).area
    return calendar_of(session, area).add_working_days(china_date(row.notified_at), HEARING_REQUEST_DAYS)


def _append(
    session: Session,
    certificate: Certificate,
    row: CertificateRevocation,
    event: str,
    text: str,
    actor: Actor,
    at: datetime,
) -> None:
    key = f"{event}:{row.id}:{at.isoformat()}"[:64]
    history.append(session, certificate, event, text, key=key, case_no=certificate.case_no, actor=actor.username, at=at)
