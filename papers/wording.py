"""The words of the papers: dates, limits, who is meant, and what the licensing law says where it applies.

Articles are those of the 行政许可法 (2019) and are cited for 行政许可 alone. A confirmation, a filing or another
power rests on the service guide: a paper of theirs cites no licensing article.
"""

from dataclasses import dataclass
from datetime import date, datetime

from models.case import Verdict
from models.catalogue import PowerKind
from models.certificate import CertificateAction
from models.document import DocumentKind
from papers.facts import CaseFacts
from papers.paper import Fields, Labelled, Paragraph

LICENSING_LAW = "《中华人民共和国行政许可法》"
NOT_SET = "待确定，将另行书面告知"
PROVISIONAL = "（暂定，待国家公布该年度节假日安排后确定）"
_DIGITS = "〇一二三四五六七八九十"


@dataclass(frozen=True)
class DecisionWords:
    """How a decision is named: the kind of document, and the verb phrase it resolves on."""

    kind: DocumentKind
    resolution: str


DECISIONS = {
    (PowerKind.LICENSE, Verdict.APPROVE): DecisionWords(DocumentKind.GRANT, "准予行政许可"),
    (PowerKind.LICENSE, Verdict.DENY): DecisionWords(DocumentKind.DENIAL, "不予行政许可"),
    (PowerKind.CONFIRMATION, Verdict.APPROVE): DecisionWords(DocumentKind.CONFIRMATION, "予以确认"),
    (PowerKind.CONFIRMATION, Verdict.DENY): DecisionWords(DocumentKind.CONFIRMATION_DENIAL, "不予确认"),
    (PowerKind.FILING, Verdict.APPROVE): DecisionWords(DocumentKind.FILING, "予以备案"),
    (PowerKind.FILING, Verdict.DENY): DecisionWords(DocumentKind.FILING_DENIAL, "不予备案"),
    (PowerKind.OTHER, Verdict.APPROVE): DecisionWords(DocumentKind.OTHER_GRANT, "准予办理"),
    (PowerKind.OTHER, Verdict.DENY): DecisionWords(DocumentKind.OTHER_DENIAL, "不予办理"),
}
ACTION_DECISIONS = {
    CertificateAction.CHANGE: DecisionWords(DocumentKind.CHANGE, "准予变更行政许可"),
    CertificateAction.RENEW: DecisionWords(DocumentKind.RENEWAL, "准予延续行政许可"),
    CertificateAction.REPLACE: DecisionWords(DocumentKind.REPLACEMENT, "准予补发证照"),
    CertificateAction.CANCEL: DecisionWords(DocumentKind.CANCELLATION, "注销行政许可"),
}
"""How a favourable decision on a licence there is already is named (行政许可法 arts. 49, 50, 70)."""

ACTION_ARTICLES = {
    CertificateAction.CHANGE: "第四十九条",
    CertificateAction.RENEW: "第五十条",
    CertificateAction.CANCEL: "第七十条",
}
POWER_NOUN = {
    PowerKind.LICENSE: "行政许可",
    PowerKind.CONFIRMATION: "行政确认",
    PowerKind.FILING: "备案",
    PowerKind.OTHER: "该项行政权力事项",
}


@dataclass(frozen=True)
class Redress:
    """Where and for how long a decision can be challenged (救济途径)."""

    organ: str
    days: int = 60
    months: int = 6

    def text(self, paper: str) -> str:
        """Return the sentence that tells the ways of redress against a paper."""
        return self._sentence(f"如不服本{paper}", f"本{paper}")

    def against(self, decision: str) -> str:
        """Return the sentence that tells the ways of redress against a decision to come."""
        return self._sentence(f"如不服{decision}", "决定")

    def _sentence(self, condition: str, paper: str) -> str:
        return (
            f"{condition}，可以自收到{paper}之日起{chinese_number(self.days)}日内向{self.organ}申请行政复议，"
            f"也可以自收到{paper}之日起{chinese_number(self.months)}个月内依法向有管辖权的人民法院提起行政诉讼。"
        )


def decision_words(kind: PowerKind, verdict: Verdict, action: CertificateAction | None) -> DecisionWords:
    """Return how a decision is named: a licence's change, renewal, replacement and cancellation by what they are."""
    if kind is PowerKind.LICENSE and verdict is Verdict.APPROVE and action in ACTION_DECISIONS:
        return ACTION_DECISIONS[action]
    return DECISIONS[kind, verdict]


def chinese_number(number: int) -> str:
    """Return a number below one hundred in Chinese characters, a larger one in digits."""
    if not 0 <= number < 100:
        return str(number)
    tens, ones = divmod(number, 10)
    if tens == 0:
        return _DIGITS[ones]
    return ("" if tens == 1 else _DIGITS[tens]) + "十" + (_DIGITS[ones] if ones else "")


def day_text(moment: date | datetime | None) -> str:
    """Return a day as papers write it."""
    return f"{moment.year}年{moment.month}月{moment.day}日" if moment is not None else NOT_SET


def minute_text(moment: datetime) -> str:
    """Return a day and minute as papers write them."""
    return f"{day_text(moment)}{moment.hour:02d}时{moment.minute:02d}分"


def due_text(facts: CaseFacts) -> str:
    """Return the day by which the decision is due, marked while it is provisional (暂定)."""
    return owed_day_text(facts.limits.due, facts.limits.provisional)


def owed_day_text(day: date | None, provisional: bool) -> str:
    """Return a day something is due by, marked while it is provisional (暂定)."""
    return f"{day_text(day)}{PROVISIONAL if provisional and day is not None else ''}"


def limit_text(facts: CaseFacts) -> str:
    """Return statutory and promised limit, marked while they are examples."""
    limits = facts.limits
    if limits.statutory is None:
        return "待市级单位填报"
    text = f"法定时限{limits.statutory}{limits.unit_text}"
    if limits.promised is not None:
        text += f"，承诺时限{limits.promised}{limits.unit_text}"
    return text + ("（示例，待市级单位核定）" if limits.assumed else "")


def legal_ground(facts: CaseFacts, article: str) -> str:
    """Return what a step rests on: an article of the licensing law for a licence, else the service guide."""
    return f"根据{LICENSING_LAW}{article}的规定" if facts.licence else "依据本事项全市统一办事指南"


def item_fields(facts: CaseFacts, *more: Labelled) -> Fields:
    """Return who asked for what, and whatever else a paper adds."""
    applicant = facts.applicant
    return Fields(
        (
            Labelled("事项名称", facts.item_name),
            Labelled("事项类型", f"{facts.power_type}（{facts.mode_words}）"),
            Labelled("项目名称", facts.project_text),
            Labelled("申请人", applicant.name),
            Labelled("证件号码", f"{applicant.identity_label} {applicant.identity}"),
            *more,
        )
    )


UNRECORDED = "（未记载理由）"


def reasons(text: str) -> tuple[Paragraph, ...]:
    """Return an officer's reasons as paragraphs, in the officer's words.

    Where none were recorded, as before reasons were asked for, that is what it says.
    """
    return tuple(Paragraph(line.strip()) for line in (text.strip() or UNRECORDED).splitlines() if line.strip())
