"""Hearings (听证): their days, who presides, and what the law asks of both (行政许可法 art. 46–48)."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from models.account import Account, Membership
from models.case import Case
from models.group import Group, Role
from models.notification import NotificationKind
from models.special_procedure import SpecialProcedure
from models.task import ClockShare, Task
from models.task_outcome import TaskOutcome
from models.working_calendar import WorkingCalendar, china_date
from services.accounts import rights
from services.accounts.actors import Actor
from services.errors import Conflict, FieldProblem, InvalidInput
from services.journal import timeline
from services.notifications import inbox

HEARING_REQUEST_DAYS = 5
"""Working days to ask for a hearing after being told of the right to one (art. 47)."""

HEARING_DAYS = 20
"""Working days from the request within which a hearing is held (art. 47)."""

HEARING_NOTICE_DAYS = 7
"""Working days before a hearing by which its time and place are announced (art. 48)."""


@dataclass(frozen=True)
class Hearing:
    """The dates of a hearing (听证) and who presides; what is not known at its beginning is given later."""

    presiding_officer: str | None = None
    held_on: date | None = None
    told_on: date | None = None
    requested_on: date | None = None


@dataclass(frozen=True)
class Officer:
    """Somebody who could preside over a hearing."""

    username: str
    display_name: str


class NotImpartial(Conflict):
    """The presiding officer reviewed the case, or would (art. 48)."""

    code = "presiding_officer_reviewed"
    title, title_en = "听证主持人不得是审查该申请的工作人员", "The presiding officer has reviewed the case"


class UnlawfulHearingDates(Conflict):
    """The dates of a hearing break a statutory period (行政许可法 art. 47, 48)."""

    code, title, title_en = "hearing_dates", "听证日期不符合法定期限", "The hearing's dates break the law's limits"


def possible_officers(session: Session, case: Case) -> tuple[Officer, ...]:
    """Return who in the organ handling the case could preside over its hearing: nobody who reviews it."""
    reviewers = (
        Group.of_area(case.area, Role.REVIEWER)
        if case.level == 0
        else Group.of_city_unit(case.city_unit, Role.REVIEWER)
    )
    rows = session.exec(
        select(Account, Membership.group_name)
        .join(Membership, col(Membership.username) == col(Account.username))
        .where(col(Account.active), col(Membership.group_name).startswith(reviewers.prefix, autoescape=True))
        .order_by(col(Account.username))
    ).all()
    reviewing = _reviewers(session, case)
    found = {
        account.username: Officer(account.username, account.display_name)
        for account, name in rows
        if account.username not in reviewing and rights.may_preside((name,))
    }
    return tuple(found.values())


def warn_of_closed_day(
    session: Session, case: Case, procedure: SpecialProcedure, kinds: WorkingCalendar, now: datetime
) -> None:
    """Remind whoever is handling the case that a hearing yet to be held now falls on a day off."""
    held = procedure.held_on
    if procedure.ended_at is not None or held is None or held < china_date(now) or kinds.day(held).working:
        return
    text = f"工作日历变更后，听证日{held}为休息日（{kinds.day(held).reason}），请另定日期并重新通知"
    key = f"hearing.closed_day:{procedure.id}:{held}"
    timeline.append(session, case.case_no, "hearing.closed_day", text, actor=timeline.SYSTEM, at=now, key=key)
    cause = inbox.Cause("hearing_closed_day", text, now, key)
    inbox.notify(session, case, NotificationKind.REMINDER, inbox.groups_at_work(session, case), cause)


def particulars(session: Session, hearing: Hearing) -> list[tuple[str, str]]:
    """Return what is known of a hearing, each with its label, as the timeline shows it."""
    officer = session.get(Account, hearing.presiding_officer) if hearing.presiding_officer else None
    named = [
        ("告知听证权利：", hearing.told_on),
        ("提出申请：", hearing.requested_on),
        ("举行：", hearing.held_on),
        ("主持人：", officer.display_name if officer is not None else None),
    ]
    return [(label, str(value)) for label, value in named if value is not None]


_PRESIDED = select(SpecialProcedure.id).where(
    SpecialProcedure.case_no == bindparam("case_no"), SpecialProcedure.presiding_officer == bindparam("officer")
)


def require_impartial(session: Session, actor: Actor, task: Task) -> None:
    """Raise ``NotImpartial`` when who presides over the case's hearing would review or decide it."""
    if task.clock not in (ClockShare.REVIEW, ClockShare.DECISION):
        return
    if session.exec(_PRESIDED, params={"case_no": task.case_no, "officer": actor.username}).first() is not None:
        raise NotImpartial("您是本件听证的主持人，不能审查或决定本件")


def require_lawful(
    session: Session,
    case: Case,
    hearing: Hearing,
    kinds: WorkingCalendar,
    today: date,
    planned_end: date,
    *,
    noticed: bool = True,
) -> None:
    """Refuse a hearing that breaks articles 47 and 48: 5 days to ask, held within 20, 7 days' notice, impartial.

    ``noticed`` says that the day of the hearing is announced today; one announced earlier had its seven days then.
    """
    officer = hearing.presiding_officer
    if officer is not None:
        account = session.get(Account, officer)
        if account is None or not account.active:
            raise InvalidInput([FieldProblem("presiding_officer", "没有这个账号")])
        if officer in _reviewers(session, case):
            raise NotImpartial()
    told, requested, held = hearing.told_on, hearing.requested_on, hearing.held_on
    future = [name for name in ("told_on", "requested_on") if (getattr(hearing, name) or today) > today]
    if future:
        raise InvalidInput([FieldProblem(name, "不能晚于今日") for name in future])
    if told is not None and requested is not None:
        if requested < told:
            raise InvalidInput([FieldProblem("requested_on", "不能早于告知听证权利之日")])
        if requested > kinds.add_working_days(told, HEARING_REQUEST_DAYS):
            raise UnlawfulHearingDates(f"应在告知听证权利之日起{HEARING_REQUEST_DAYS}个工作日内提出听证申请")
    if held is None:
        return
    if not kinds.day(held).working:
        raise InvalidInput([FieldProblem("held_on", f"{held}不是工作日")])
    if noticed and held < kinds.add_working_days(today, HEARING_NOTICE_DAYS):
        raise UnlawfulHearingDates(f"应于举行听证的{HEARING_NOTICE_DAYS}个工作日前通知听证的时间、地点")
    if held > kinds.add_working_days(requested or today, HEARING_DAYS):
        raise UnlawfulHearingDates(f"应在收到听证申请之日起{HEARING_DAYS}个工作日内组织听证")
    if held > planned_end:
        raise InvalidInput([FieldProblem("days", "所需工作日应包括举行听证之日")])


def _reviewers(session: Session, case: Case) -> set[str]:
    """Return who has reviewed the case, or has a review of it in hand."""
    shares = (ClockShare.REVIEW, ClockShare.DECISION)
    given = session.exec(
        select(TaskOutcome.account)
        .join(Task, col(Task.key) == col(TaskOutcome.task_key))
        .where(TaskOutcome.case_no == case.case_no, col(Task.clock).in_(shares))
    ).all()
    held = session.exec(
        select(Task.assignee).where(Task.case_no == case.case_no, col(Task.clock).in_(shares), col(Task.is_open))
    ).all()
    return {name for name in (*given, *held) if name is not None}
