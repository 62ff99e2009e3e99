"""The papers between acceptance and decision: special procedure, extension, termination, transfer dossier."""

from dataclasses import dataclass
from datetime import date, datetime

from models.document import DocumentKind
from papers.acceptance import materials_table
from papers.facts import CaseFacts
from papers.paper import Block, Fields, Labelled, Paper, Paragraph, SignOff, Table
from papers.wording import Redress, day_text, due_text, item_fields, legal_ground, minute_text, owed_day_text, reasons


@dataclass(frozen=True)
class Officer:
    """Somebody who signed, and when."""

    role: str
    name: str
    at: datetime | None


@dataclass(frozen=True)
class DossierContent:
    """The content of one transfer dossier; ``digest`` is the SHA-256 of its canonical body."""

    round: int
    outcome: str
    opinion: str
    forwarding_opinion: str
    on_site: str
    officers: tuple[Officer, ...]
    hashes: tuple[str, ...]
    digest: str


def special_procedure_notice(
    facts: CaseFacts,
    number: str,
    at: datetime,
    kind: str,
    days: int,
    planned_end: date,
    reason: str,
    provisional: bool = False,
) -> Paper:
    """Compose the notice of a special procedure (特别程序告知书): the step and the time it needs (art. 45)."""
    return _organ_paper(
        facts,
        DocumentKind.SPECIAL_PROCEDURE,
        number,
        at.date(),
        (
            Paragraph(
                f"你（单位）的“{facts.item_title}”申请在办理过程中需要进行{kind}。"
                f"{legal_ground(facts, '第四十五条')}，所需时间不计算在办理时限内，现将所需时间书面告知。"
            ),
            item_fields(
                facts,
                Labelled("特别程序", kind),
                Labelled("开始日期", day_text(at)),
                Labelled("所需时间", f"{days}个工作日"),
                Labelled("预计结束", owed_day_text(planned_end, provisional)),
                Labelled("顺延至", due_text(facts)),
            ),
            Paragraph("原因", heading=True),
            *reasons(reason),
            Paragraph(f"{kind}提前结束的，办理时限自结束之日的次日起继续计算。"),
            SignOff("申请人（签收）"),
        ),
    )


def extension_notice(facts: CaseFacts, number: str, at: datetime, days: int, reason: str, approver: str) -> Paper:
    """Compose the notice of extension (延期通知书): reason, days, approver, new date (art. 42)."""
    return _organ_paper(
        facts,
        DocumentKind.EXTENSION,
        number,
        at.date(),
        (
            Paragraph(
                f"你（单位）的“{facts.item_title}”申请，不能在规定期限内作出决定。"
                f"{legal_ground(facts, '第四十二条')}，经本机关负责人批准，延长{days}个工作日，现将理由告知。"
            ),
            item_fields(
                facts,
                Labelled("受理日期", day_text(facts.accepted_at)),
                Labelled("延长时间", f"{days}个工作日"),
                Labelled("批准人", approver),
                Labelled("批准日期", day_text(at)),
                Labelled("延长至", due_text(facts)),
            ),
            Paragraph("延长期限的理由", heading=True),
            *reasons(reason),
            SignOff("申请人（签收）"),
        ),
    )


def termination_notice(facts: CaseFacts, number: str, at: datetime, reason: str) -> Paper:
    """Compose the notice that the examination ends without a decision (终止审查通知书)."""
    return _organ_paper(
        facts,
        DocumentKind.TERMINATION,
        number,
        at.date(),
        (
            Paragraph(
                f"你（单位）于{day_text(facts.received_at)}提出的“{facts.item_title}”申请，因下列原因，"
                f"自{day_text(at)}起终止审查，本次申请的办理程序结束。"
            ),
            item_fields(
                facts,
                Labelled("申请日期", day_text(facts.received_at)),
                *((Labelled("受理日期", day_text(facts.accepted_at)),) if facts.accepted_at is not None else ()),
            ),
            Paragraph("终止审查的原因", heading=True),
            *reasons(reason),
            Paragraph("终止审查不影响你（单位）重新提出申请。已提交的申请材料可以凭材料接收凭证领回。"),
            SignOff("申请人（签收）"),
        ),
    )


@dataclass(frozen=True)
class HandoverContent:
    """Who had the case before, and what moved it: 权限收回 or 二次划转."""

    former: str
    cause: str


def handover_notice(facts: CaseFacts, number: str, at: datetime, content: HandoverContent, redress: Redress) -> Paper:
    """Compose the notice that another organ goes on with the case (移送告知书), and where to turn against it now."""
    present = facts.issuers[DocumentKind.HANDOVER].organ
    accepted = facts.accepted_at is not None
    return _organ_paper(
        facts,
        DocumentKind.HANDOVER,
        number,
        at.date(),
        (
            Paragraph(
                f"你（单位）于{day_text(facts.received_at)}提出的“{facts.item_title}”申请，因{content.cause}，"
                f"自{day_text(at)}起由{content.former}移送{present}接续办理。已经提交的申请材料无需重新提交，"
                "已经办理的环节继续有效，办理期限不因移送重新计算。"
            ),
            item_fields(
                facts,
                Labelled("原办理机关", content.former),
                Labelled("接续办理机关", present),
                Labelled("决定机关", facts.deciding_organ),
                *((Labelled("决定期限至", due_text(facts)),) if accepted else ()),
            ),
            Paragraph("救济途径", heading=True),
            Paragraph(f"移送后的决定由{facts.deciding_organ}作出。{redress.against('该机关就本申请作出的决定')}"),
            SignOff("申请人（签收）"),
        ),
    )


def dossier_paper(facts: CaseFacts, number: str, at: datetime, content: DossierContent) -> Paper:
    """Compose the transfer dossier (审核转报件): opinion, materials with hashes, reviewers, signatures."""
    again = f"（第{content.round}次转报）" if content.round > 1 else ""
    hashes = tuple(
        (str(place), one.name, digest)
        for place, (one, digest) in enumerate(zip(facts.materials, content.hashes, strict=False), start=1)
    )
    signatures = tuple(
        (officer.role, officer.name, minute_text(officer.at) if officer.at is not None else "—")
        for officer in content.officers
    )
    share = (
        "根据《中华人民共和国行政许可法》第三十五条的规定，现将审核意见和全部申请材料直接报送贵单位，"
        "贵单位不得要求申请人重复提供申请材料。"
        if facts.licence
        else "现将审核意见和全部申请材料直接报送贵单位，请勿要求申请人重复提供申请材料。"
    )
    issuer = facts.issuers[DocumentKind.DOSSIER]
    return Paper(
        issuer=issuer.organ,
        title=DocumentKind.DOSSIER.value + again,
        number=number,
        addressee=facts.city_organ,
        blocks=(
            Paragraph(
                f"申请人于{day_text(facts.received_at)}提出的“{facts.item_title}”申请，我单位于"
                f"{day_text(facts.accepted_at)}受理，已完成实质性审核。{share}"
            ),
            item_fields(facts, Labelled("实施依据", facts.basis), Labelled("决定期限", due_text(facts))),
            Paragraph("审核意见", heading=True),
            Paragraph(f"审核结论：{content.outcome}"),
            *reasons(content.opinion),
            *((Paragraph("现场核查", heading=True), *reasons(content.on_site)) if content.on_site else ()),
            *(
                (Paragraph("转报意见", heading=True), *reasons(content.forwarding_opinion))
                if content.forwarding_opinion.strip()
                else ()
            ),
            Paragraph("申请材料", heading=True),
            materials_table(facts.materials, "收取情况"),
            Table(("序号", "材料名称", "登记摘要（SHA-256）"), (0.09, 0.39, 0.52), hashes),
            Paragraph("审核人员与签发", heading=True),
            Table(("职责", "姓名", "签署时间"), (0.3, 0.35, 0.35), signatures),
            Fields((Labelled("转报件摘要", content.digest),)),
        ),
        seal=issuer.seal,
        signatory=issuer.organ,
        signed_on=at.date(),
        reference=facts.reference(),
        sample=facts.sample,
    )


def _organ_paper(facts: CaseFacts, kind: DocumentKind, number: str, on: date, blocks: tuple[Block, ...]) -> Paper:
    issuer = facts.issuers[kind]
    return Paper(
        issuer=issuer.organ,
        title=kind.value,
        number=number,
        addressee=facts.applicant.name,
        blocks=blocks,
        seal=issuer.seal,
        signatory=issuer.organ,
        signed_on=on,
        reference=facts.reference(),
        sample=facts.sample,
    )
