"""The papers of a hearing (听证): 听证告知书, 听证通知书 and 听证笔录 (行政许可法 arts. 46–48)."""

from dataclasses import dataclass
from datetime import date

from models.document import DocumentKind
from papers.facts import CaseFacts
from papers.paper import Block, Fields, Labelled, Paper, Paragraph, SignOff
from papers.wording import day_text, item_fields, legal_ground, reasons

_BY_HAND = "\n　"
_SIGNED = "\n　　　　　　　　　　　　　　　　　年　　月　　日"


@dataclass(frozen=True)
class HearingFact:
    """What is known of a hearing; what is not is left to be written by hand, or the paper is not issued yet."""

    reason: str
    told_on: date | None
    requested_on: date | None
    held_on: date | None
    presiding: str


def hearing_rights(facts: CaseFacts, number: str, on: date, hearing: HearingFact) -> Paper:
    """Compose the notice of the right to a hearing: five working days to ask for one (arts. 46, 47)."""
    return _paper(
        facts,
        DocumentKind.HEARING_RIGHTS,
        number,
        on,
        (
            Paragraph(
                f"你（单位）的“{facts.item_title}”申请，涉及申请人与他人之间的重大利益关系或者公共利益。"
                f"{legal_ground(facts, '第四十六条、第四十七条')}，你（单位）和利害关系人享有要求听证的权利。"
                "要求听证的，应当自被告知之日起五日内（工作日）向本机关提出；逾期不提出的，视为放弃听证。"
            ),
            item_fields(facts, Labelled("告知日期", day_text(hearing.told_on))),
            Paragraph("听证的事由", heading=True),
            *reasons(hearing.reason),
            Paragraph("申请人、利害关系人不承担本机关组织听证的费用。"),
            SignOff("被告知人（签收）"),
        ),
    )


def hearing_notice(facts: CaseFacts, number: str, on: date, hearing: HearingFact) -> Paper:
    """Compose the notice of the hearing's day, at least seven working days before (art. 48)."""
    return _paper(
        facts,
        DocumentKind.HEARING_NOTICE,
        number,
        on,
        (
            Paragraph(
                f"关于“{facts.item_title}”申请的听证，{legal_ground(facts, '第四十八条')}，"
                f"定于{day_text(hearing.held_on)}举行，请准时参加。可以亲自参加，也可以委托一至二人代理；无正当理由不到场的，视为放弃听证。"
            ),
            item_fields(
                facts,
                *((Labelled("申请听证日期", day_text(hearing.requested_on)),) if hearing.requested_on else ()),
                Labelled("听证日期", day_text(hearing.held_on)),
                Labelled("听证时间和地点", "　"),
                Labelled("听证主持人", hearing.presiding or "　"),
            ),
            Paragraph("认为主持人与本案有直接利害关系的，有权申请回避。听证公开举行，依法不予公开的除外。"),
            SignOff("被通知人（签收）"),
        ),
    )


def hearing_record(facts: CaseFacts, number: str, on: date, hearing: HearingFact) -> Paper:
    """Compose the form of the record, unsealed: what is said is written at the hearing and signed (art. 48)."""
    return _paper(
        facts,
        DocumentKind.HEARING_RECORD,
        number,
        on,
        (
            item_fields(
                facts,
                Labelled("听证日期", day_text(hearing.held_on)),
                Labelled("听证主持人", hearing.presiding or "　"),
                Labelled("记录人", "　"),
                Labelled("参加人", _BY_HAND),
            ),
            Fields(
                (
                    Labelled("审查人员的意见、证据和理由", _BY_HAND),
                    Labelled("申请人、利害关系人的意见和证据", _BY_HAND),
                    Labelled("质证和辩论", _BY_HAND),
                    Labelled("申请人签名或盖章", _SIGNED),
                    Labelled("利害关系人签名或盖章", _SIGNED),
                    Labelled("主持人、记录人签名", _SIGNED),
                    Labelled("说明", "参加人确认无误后签字或者盖章，本机关根据听证笔录作出决定。"),
                )
            ),
        ),
        sealed=False,
    )


def _paper(
    facts: CaseFacts, kind: DocumentKind, number: str, on: date, blocks: tuple[Block, ...], *, sealed: bool = True
) -> Paper:
    issuer = facts.issuers[kind]
    return Paper(
        issuer=issuer.organ,
        title=kind.value,
        number=number,
        addressee=facts.applicant.name,
        blocks=blocks,
        seal=issuer.seal if sealed else "",
        signatory=issuer.organ,
        signed_on=on,
        reference=facts.reference(),
        sample=facts.sample,
    )
