"""The decision on the merits and the certificate that follows it."""

from dataclasses import dataclass
from datetime import datetime

from models.case import Verdict
from models.catalogue import Mode, PowerKind
from models.certificate import CertificateAction
from models.document import DocumentKind
from papers.facts import CaseFacts, CertificateFact
from papers.paper import PENDING, Block, Fields, Labelled, Paper, PaperStyle, Paragraph, SignOff
from papers.wording import (
    ACTION_ARTICLES,
    LICENSING_LAW,
    Redress,
    day_text,
    decision_words,
    item_fields,
    reasons,
)

AS_PRINTED = "以证照载明的为准"


@dataclass(frozen=True)
class DecisionContent:
    """What was decided, how the process model words it, and the certificate reserved for it, if any."""

    verdict: Verdict
    title: str
    resolution: str
    opinion: str
    certificate_number: str | None
    redress: Redress
    certificate: CertificateFact | None = None
    """What it does to a certificate; None where it does nothing to any."""

    @property
    def action(self) -> CertificateAction | None:
        """Return what it does to a certificate there is already."""
        done = self.certificate.action if self.certificate is not None else None
        return done if done is not CertificateAction.ISSUE else None


def decision(facts: CaseFacts, number: str, at: datetime, content: DecisionContent) -> Paper:
    """Compose the decision document of any power type and either verdict."""
    issuer = facts.issuers[decision_words(facts.power_kind, content.verdict, content.action).kind]
    body = _approval(facts, at, content) if content.verdict is Verdict.APPROVE else _denial(facts, content)
    return Paper(
        issuer=issuer.organ,
        title=content.title,
        number=number,
        addressee=facts.applicant.name,
        blocks=(Paragraph(_opening(facts, content)), *body, SignOff("申请人（签收）")),
        seal=issuer.seal,
        signatory=issuer.organ,
        signed_on=at.date(),
        reference=facts.reference(),
        sample=facts.sample,
    )


def certificate(
    facts: CaseFacts,
    number: str,
    name: str,
    at: datetime,
    stated: CertificateFact,
    signature: str,
    code: str = "",
) -> Paper:
    """Compose the certificate (证照) itself; its electronic signature is printed at the foot.

    ``code`` is the address of its public page, printed as a QR code; empty where nobody could open it.
    """
    issuer = facts.issuers[DocumentKind.CERTIFICATE]
    reference = facts.reference()
    former = (Labelled("原证照编号", stated.former),) if stated.former else ()
    check = "扫描二维码或凭证照编号查验真伪和状态" if code else "凭证照编号向受理窗口核验真伪和状态"
    return Paper(
        issuer=issuer.organ,
        title=name,
        number=number,
        addressee="",
        blocks=(
            Fields(
                (
                    Labelled("持证人", facts.applicant.name),
                    Labelled("证件号码", f"{facts.applicant.identity_label} {facts.applicant.identity}"),
                    Labelled("事项名称", facts.item_name),
                    Labelled("项目名称", facts.project_text),
                    *stated.fields,
                    Labelled("有效期限", _validity(stated) or PENDING),
                    *former,
                    Labelled("发证机关", issuer.organ),
                )
            ),
        ),
        seal=issuer.seal,
        signatory=issuer.organ,
        signed_on=at.date(),
        reference=type(reference)(
            case_no=facts.case_no,
            query_code="",
            contact="",
            verification=f"{check}；电子签名（Ed25519）{signature}",
        ),
        style=PaperStyle.CERTIFICATE,
        sample=facts.sample,
        code=code,
    )


def _validity(stated: CertificateFact) -> str:
    return f"至{day_text(stated.valid_until)}{stated.validity_note}" if stated.valid_until is not None else ""


def _opening(facts: CaseFacts, content: DecisionContent) -> str:
    words = decision_words(facts.power_kind, content.verdict, content.action)
    accepted = f"，于{day_text(facts.accepted_at)}受理" if facts.accepted_at is not None else ""
    fits = {
        (PowerKind.LICENSE, Verdict.APPROVE): "申请符合法定条件、标准",
        (PowerKind.CONFIRMATION, Verdict.APPROVE): "申请符合确认条件",
        (PowerKind.FILING, Verdict.APPROVE): "报送的备案材料齐全、符合要求",
        (PowerKind.OTHER, Verdict.APPROVE): "申请符合办理条件",
        (PowerKind.FILING, Verdict.DENY): "报送的备案材料不符合要求",
    }.get((facts.power_kind, content.verdict), "申请不符合规定的条件")
    if content.action is CertificateAction.CANCEL and content.verdict is Verdict.APPROVE:
        fits = "该许可应当依法办理注销手续" if facts.licence else "符合办理注销手续的条件"
    article = "第三十四条、第三十八条"
    if content.verdict is Verdict.APPROVE and content.action in ACTION_ARTICLES:
        article = ACTION_ARTICLES[content.action]
    ground = f"根据{LICENSING_LAW}{article}的规定" if facts.licence else "依据本事项全市统一办事指南"
    resolution = content.resolution or words.resolution
    return (
        f"你（单位）于{day_text(facts.received_at)}提出的“{facts.item_title}”{POWER_NOUN_OF_REQUEST[facts.power_kind]}"
        f"{accepted}。{_reviewed(facts)}，{fits}。{ground}，决定{resolution}。"
    )


def _reviewed(facts: CaseFacts) -> str:
    """Say through whose hands the application came, as it was."""
    if facts.recalled_at is not None:
        before = facts.accepted_at is not None and facts.accepted_at < facts.recalled_at
        return f"该事项权限收回后{'由受理机关移送，' if before else ''}经本机关审查"
    return {
        Mode.DIRECT: "经审查",
        Mode.SUBSTANTIVE: f"经{facts.county_organ}实质性审核并转报，本机关审查",
        Mode.WINDOW: f"由{facts.window}受理推送，经本机关审查",
    }[facts.mode]


POWER_NOUN_OF_REQUEST = {
    PowerKind.LICENSE: "申请",
    PowerKind.CONFIRMATION: "申请",
    PowerKind.FILING: "备案材料",
    PowerKind.OTHER: "申请",
}


def _approval(facts: CaseFacts, at: datetime, content: DecisionContent) -> tuple[Block, ...]:
    rows = [Labelled("决定内容", f"{content.resolution}：{facts.item_title}")]
    stated = content.certificate
    if content.certificate_number is not None:
        rows += [
            Labelled("证照名称", facts.result_name),
            Labelled("证照编号", content.certificate_number),
            *(stated.fields if stated is not None else ()),
            Labelled("有效期限", (_validity(stated) if stated is not None else "") or AS_PRINTED),
        ]
        if stated is not None and stated.former:
            rows.append(Labelled("原证照编号", stated.former))
    elif content.action is CertificateAction.CANCEL:
        rows.append(Labelled("注销的证照", stated.former if stated is not None and stated.former else "—"))
    elif facts.power_kind is not PowerKind.FILING:
        rows += [Labelled("办理结果", facts.result_name), Labelled("有效期限", PENDING)]
    rows += [Labelled("实施依据", facts.basis), Labelled("决定日期", day_text(at))]
    blocks: list[Block] = [item_fields(facts, *rows)]
    if content.opinion.strip():
        blocks += [Paragraph("审查意见", heading=True), *reasons(content.opinion)]
    blocks.append(Paragraph(_consequence(facts, content)))
    return tuple(blocks)


def _consequence(facts: CaseFacts, content: DecisionContent) -> str:
    if facts.power_kind is PowerKind.FILING:
        return "本通知书只证明备案材料已经收存，不构成行政许可，不免除依法应当办理的其他手续。"
    if content.action is CertificateAction.CANCEL:
        return (
            "自作出本决定之日起，上述证照注销，不再具有效力，不得再凭该证照从事有关活动。"
            "纸质证照请交回受理窗口，电子证照同时注销。"
        )
    former = ""
    if content.action is not None and content.certificate is not None and content.certificate.former:
        former = f"原证照（编号{content.certificate.former}）自新证照制发之日起失效，纸质原证照请在领取新证照时交回。"
    if content.certificate_number is None:
        paper = _self(content)
        return f"请按照{paper}确定的内容和办事指南的要求从事有关活动，并接受监督检查。{paper}是办理结果的书面凭证。"
    if facts.licence:
        return (
            f"证照自作出本决定之日起十日内向你（单位）颁发、送达（{LICENSING_LAW}第四十四条）。{former}"
            "请按照准予的范围和要求从事有关活动，并接受监督检查。"
        )
    return f"证照另行制发、送达。{former}请妥善保管，并按照办事指南的要求接受监督检查。"


def _self(content: DecisionContent) -> str:
    return "本通知书" if content.title.endswith("通知书") else "本决定"


def _denial(facts: CaseFacts, content: DecisionContent) -> tuple[Block, ...]:
    return (
        item_fields(facts, Labelled("实施依据", facts.basis)),
        Paragraph("理由", heading=True),
        *reasons(content.opinion),
        Paragraph("救济途径", heading=True),
        Paragraph(content.redress.text(_self(content).removeprefix("本"))),
    )
