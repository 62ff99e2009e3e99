"""The papers of supervision, drawn when somebody asks: 审管信息推送单 and 政策文件告知函.

They are drawn from what was recorded and sealed when the push or the notice was made; equal records give equal bytes.
"""

from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from models.case import Applicant, Case
from models.catalogue import Mode
from models.database import CHINA
from models.group import Group, Role
from models.identity import masked_name
from models.policy import PolicyNotice
from models.supervision import SupervisionPush
from papers import render_pdf
from papers.supervision import PolicyFact, PushFact, policy_letter, push_sheet
from papers.wording import minute_text
from services.accounts.actors import Actor
from services.catalogue import in_force, reference
from services.errors import NotFound
from services.supervision import policy_ledger, push_ledger
from settings import get_settings

_VERDICTS = {"approve": "准予（通过）", "deny": "不予（不通过）"}
_OFFICES = {
    Role.WINDOW: "综合受理窗口",
    Role.REVIEWER: "审查部门",
    Role.APPROVER: "审批部门",
    Role.SUPERVISOR: "行业监管部门",
}


def draw_push_sheet(session: Session, actor: Actor, push_id: int) -> bytes:
    """Return a push's sheet as PDF for whoever may read the push; the applicant is named as on its page.

    Raises ``NotFound`` or ``Forbidden``. Reading the applicant in the clear leaves an audit entry.
    """
    detail = push_ledger.get_push(session, actor, push_id)
    found, case = session.get_one(SupervisionPush, push_id), session.get_one(Case, detail.case_no)
    sheet = found.sheet
    return render_pdf(
        push_sheet(
            PushFact(
                number=push_id,
                sender=office_name(session, found.approver_group),
                recipient=office_name(session, found.recipient),
                case_no=case.case_no,
                item_name=str(sheet["item_name"]),
                power_type=str(sheet["power_type"]),
                mode=Mode(sheet["mode"]).label,
                project=str(sheet["project"]),
                applicant=_applicant(session, case, masked=detail.applicant.masked),
                decision=_VERDICTS[sheet["decision"]],
                decided_at=_instant(sheet["decided_at"]),
                closed_at=_instant(sheet["closed_at"]),
                certificate=str(sheet["certificate"] or ""),
                documents=tuple((one["kind"], one["number"], one["sha256"]) for one in sheet["documents"]),
                pushed_at=found.pushed_at.astimezone(CHINA),
                due_at=found.due_at.astimezone(CHINA),
                claimed=minute_text(found.claimed_at.astimezone(CHINA)) if found.claimed_at is not None else "",
                sample=get_settings().development,
            )
        )
    )


def draw_policy_letter(session: Session, notice_id: int) -> bytes:
    """Return a policy notice as a letter in PDF, with its read receipts so far; raise ``NotFound``."""
    notice = session.get(PolicyNotice, notice_id)
    if notice is None:
        raise NotFound("没有这份政策文件告知", "No such policy notice")
    seen = policy_ledger.view(session, notice)
    day = notice.issued_at.astimezone(CHINA).date()
    items = [in_force.find_item_or_latest(session, code, day) for code in notice.items]
    return render_pdf(
        policy_letter(
            PolicyFact(
                number=notice_id,
                sender=office_name(session, notice.issued_for),
                title=notice.title,
                level=notice.level.label,
                published_on=notice.published_on,
                items=tuple((one.code, one.full_name) for one in items if one is not None),
                readers=tuple(
                    (
                        office_name(session, one.group),
                        minute_text(one.acknowledged_at.astimezone(CHINA)) if one.acknowledged_at is not None else "",
                    )
                    for one in seen.recipients
                ),
                file_name=seen.file.name if seen.file is not None else "",
                file_sha256=seen.file.sha256 if seen.file is not None else "",
                issued_at=notice.issued_at.astimezone(CHINA),
                due_at=notice.due_at.astimezone(CHINA),
                sample=get_settings().development,
            )
        )
    )


def office_name(session: Session, group: str) -> str:
    """Return a group as papers address it: 赣州市水利局, 兴国县综合受理窗口."""
    parsed = Group.parse(group)
    area = reference.area(session, parsed.area) if parsed.area is not None else None
    if area is not None:
        return f"{area.name}{_county_unit(session, parsed) or _OFFICES.get(parsed.role, '')}"
    return reference.city_organ(session, parsed.unit) if parsed.unit is not None else reference.CITY


def _county_unit(session: Session, group: Group) -> str:
    return next((one.name for one in reference.county_units(session, group.area or "") if one.code == group.unit), "")


def _applicant(session: Session, case: Case, *, masked: bool) -> str:
    name = session.exec(select(Applicant.name).where(Applicant.case_no == case.case_no)).one()
    return masked_name(name) if masked else name


def _instant(text: Any) -> datetime | None:
    return datetime.fromisoformat(str(text)).astimezone(CHINA) if text else None
