"""What goes between approvers and supervisors: 审管信息推送单 and 政策文件告知函."""

from dataclasses import dataclass
from datetime import date, datetime

from papers.paper import Fields, Labelled, Paper, Paragraph, Reference, SignOff, Table
from papers.wording import day_text, minute_text

SHEET_TITLE, LETTER_TITLE = "审管信息推送单", "政策文件告知函"


@dataclass(frozen=True)
class PushFact:
    """One push as its sheet tells it; organs are full names, ``applicant`` is as the reader may see it."""

    number: int
    sender: str
    recipient: str
    case_no: str
    item_name: str
    power_type: str
    mode: str
    project: str
    applicant: str
    decision: str
    decided_at: datetime | None
    closed_at: datetime | None
    certificate: str
    documents: tuple[tuple[str, str, str], ...]
    """Kind, number and SHA-256 of each paper of the case."""
    pushed_at: datetime
    due_at: datetime
    claimed: str
    sample: bool


@dataclass(frozen=True)
class PolicyFact:
    """One policy notice; ``readers`` are the units told, each with when it was read or empty."""

    number: int
    sender: str
    title: str
    level: str
    published_on: date
    items: tuple[tuple[str, str], ...]
    readers: tuple[tuple[str, str], ...]
    file_name: str
    file_sha256: str
    issued_at: datetime
    due_at: datetime
    sample: bool


def push_sheet(facts: PushFact) -> Paper:
    """Compose the sheet by which a supervisor learns of an approval within three working days (plan, section 四.六)."""
    papers = tuple((kind, number, digest) for kind, number, digest in facts.documents)
    return Paper(
        issuer=facts.sender,
        title=SHEET_TITLE,
        number=f"推送第{facts.number}号",
        addressee=facts.recipient,
        blocks=(
            Paragraph("下列事项已经办结，现将审批信息推送给你单位，请认领并依法履行监管职责，监管结果请及时反馈。"),
            Fields(
                (
                    Labelled("办件流水号", facts.case_no),
                    Labelled("事项", facts.item_name),
                    Labelled("权力类型", facts.power_type),
                    Labelled("放权方式", facts.mode),
                    Labelled("申请人", facts.applicant),
                    *((Labelled("项目", facts.project),) if facts.project else ()),
                    Labelled("办理结果", facts.decision),
                    Labelled("决定日期", day_text(facts.decided_at)),
                    Labelled("办结日期", day_text(facts.closed_at)),
                    *((Labelled("证照编号", facts.certificate),) if facts.certificate else ()),
                    Labelled("推送时间", minute_text(facts.pushed_at)),
                    Labelled("认领期限", day_text(facts.due_at)),
                    *((Labelled("认领", facts.claimed),) if facts.claimed else ()),
                )
            ),
            Table(("文书", "编号", "摘要（SHA-256）"), (0.2, 0.38, 0.42), papers, caption="随附文书"),
            SignOff("监管单位（签收）"),
        ),
        seal="",
        signatory=facts.sender,
        signed_on=facts.pushed_at.date(),
        reference=Reference(facts.case_no, "", "", "凭文书摘要在平台核对"),
        sample=facts.sample,
    )


def policy_letter(facts: PolicyFact) -> Paper:
    """Compose the letter by which approvers learn of policy within five working days (plan, section 四.六)."""
    rows = tuple((str(place), code, name) for place, (code, name) in enumerate(facts.items, start=1))
    read = tuple((name, at or "未签阅") for name, at in facts.readers)
    return Paper(
        issuer=facts.sender,
        title=LETTER_TITLE,
        number=f"告知第{facts.number}号",
        addressee="各有关审批单位",
        blocks=(
            Paragraph(
                f"{day_text(facts.published_on)}发布的{facts.level}政策文件《{facts.title.strip('《》')}》"
                "涉及下列事项，现书面告知，请在办理中遵照执行。"
            ),
            Table(("序号", "事项编码", "事项名称"), (0.1, 0.17, 0.73), rows),
            Fields(
                (
                    Labelled("告知时间", minute_text(facts.issued_at)),
                    Labelled("告知期限", day_text(facts.due_at)),
                    *(
                        (Labelled("附件", f"{facts.file_name}（SHA-256：{facts.file_sha256}）"),)
                        if facts.file_name
                        else ()
                    ),
                )
            ),
            Table(("告知单位", "签阅时间"), (0.6, 0.4), read, caption="签阅情况"),
        ),
        seal="",
        signatory=facts.sender,
        signed_on=facts.issued_at.date(),
        reference=Reference("", "", "", "凭告知编号在平台核对"),
        sample=facts.sample,
    )
