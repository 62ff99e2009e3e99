"""The papers of a revocation (撤销, 行政许可法 art. 69): the notice before it, and the decision."""

from dataclasses import dataclass
from datetime import datetime

from models.document import DocumentKind
from papers.facts import CaseFacts
from papers.paper import Fields, Labelled, Paper, Paragraph, SignOff
from papers.wording import LICENSING_LAW, Redress, chinese_number, day_text, reasons


@dataclass(frozen=True)
class RevocationContent:
    """Which certificate is revoked, on which ground of art. 69, and what shows it."""

    certificate: str
    certificate_name: str
    ground: str
    paragraph: str
    facts: str


def notice(facts: CaseFacts, number: str, at: datetime, content: RevocationContent, days: int) -> Paper:
    """Compose the notice of what is intended and why, and of the right to be heard (arts. 7, 36, 46, 47)."""
    issuer = facts.issuers[DocumentKind.REVOCATION_NOTICE]
    return Paper(
        issuer=issuer.organ,
        title=DocumentKind.REVOCATION_NOTICE.value,
        number=number,
        addressee=facts.applicant.name,
        blocks=(
            Paragraph(
                f"本机关拟撤销你（单位）持有的{content.certificate_name}（编号{content.certificate}）所载的行政许可。"
                f"依据：{LICENSING_LAW}{content.paragraph}（{content.ground}）。"
            ),
            Paragraph("事实和证据", heading=True),
            *reasons(content.facts),
            Paragraph("你（单位）的权利", heading=True),
            Paragraph(
                f"你（单位）可以自收到本告知书之日起{chinese_number(days)}个工作日内提出陈述、申辩，也可以在此期限内申请听证。"
                "逾期未提出的，视为放弃，本机关将依法作出决定。"
            ),
            SignOff("被许可人（签收）"),
        ),
        seal=issuer.seal,
        signatory=issuer.organ,
        signed_on=at.date(),
        reference=facts.reference(),
        sample=facts.sample,
    )


def decision(
    facts: CaseFacts,
    number: str,
    at: datetime,
    content: RevocationContent,
    heard: tuple[str, str],
    reason: str,
    redress: Redress,
) -> Paper:
    """Compose the decision; ``heard`` is what the holder stated, and how a hearing went, empty where there was none."""
    issuer = facts.issuers[DocumentKind.REVOCATION]
    statement, hearing = heard
    rows = (
        Labelled("撤销的证照", f"{content.certificate_name}（{content.certificate}）"),
        Labelled("持证人", facts.applicant.name),
        Labelled("证件号码", f"{facts.applicant.identity_label} {facts.applicant.identity}"),
        Labelled("撤销依据", f"{LICENSING_LAW}{content.paragraph}（{content.ground}）"),
        Labelled("决定日期", day_text(at)),
    )
    return Paper(
        issuer=issuer.organ,
        title=DocumentKind.REVOCATION.value,
        number=number,
        addressee=facts.applicant.name,
        blocks=(
            Paragraph(
                f"经查，{_granted(facts)}应予撤销。根据{LICENSING_LAW}{content.paragraph}的规定，决定撤销该行政许可。"
            ),
            Fields(rows),
            Paragraph("事实和证据", heading=True),
            *reasons(content.facts),
            Paragraph("陈述、申辩和听证", heading=True),
            *reasons(statement),
            *(reasons(hearing) if hearing else ()),
            Paragraph("理由", heading=True),
            *reasons(reason),
            Paragraph("自作出本决定之日起，上述证照不再具有效力，不得再凭该证照从事有关活动。纸质证照请交回受理窗口。"),
            Paragraph("救济途径", heading=True),
            Paragraph(redress.text("决定")),
            SignOff("被许可人（签收）"),
        ),
        seal=issuer.seal,
        signatory=issuer.organ,
        signed_on=at.date(),
        reference=facts.reference(),
        sample=facts.sample,
    )


def _granted(facts: CaseFacts) -> str:
    return f"你（单位）在办件{facts.case_no}中取得的“{facts.item_title}”行政许可"
