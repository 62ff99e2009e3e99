"""The return of service (送达回证)."""

from dataclasses import dataclass
from datetime import datetime

from models.document import DocumentKind
from papers.facts import CaseFacts
from papers.paper import Fields, Labelled, Paper, Table
from papers.wording import minute_text

_SIGNED = "\n　　　　　　　　　　　　　　　　　年　　月　　日"
"""Room for a signature, and the blanks of its date."""


@dataclass(frozen=True)
class Delivered:
    """One document that was served."""

    kind: str
    number: str


def return_of_service(
    facts: CaseFacts, number: str, at: datetime, manner: str, receiver: str, served: tuple[Delivered, ...]
) -> Paper:
    """Compose the return of service: documents, addressee, manner, place, time, signature, refusal and witness."""
    rows = tuple((str(place), one.kind, one.number) for place, one in enumerate(served, start=1))
    return Paper(
        issuer=facts.window,
        title=DocumentKind.DELIVERY.value,
        number=number,
        addressee="",
        blocks=(
            Fields(
                (
                    Labelled("案由", f"{facts.item_name}（{facts.case_no}）"),
                    Labelled("受送达人", facts.applicant.name),
                    Labelled("送达地点", _place(facts, manner)),
                    Labelled("送达方式", manner),
                    Labelled("送达时间", minute_text(at)),
                    Labelled("收件人", receiver or facts.applicant.name),
                )
            ),
            Table(("序号", "送达文书名称", "文书编号"), (0.1, 0.33, 0.57), rows, caption="送达的文书"),
            Fields(
                (
                    Labelled("受送达人签名或盖章", _SIGNED),
                    Labelled("代收人签名及理由", _SIGNED),
                    Labelled("拒收事由", "\n　"),
                    Labelled("见证人签名", _SIGNED),
                    *((Labelled("备注", "电子送达以系统记录的到达时间为准。"),) if "电子" in manner else ()),
                )
            ),
        ),
        seal=facts.window_seal,
        signatory=facts.window,
        signed_on=at.date(),
        reference=facts.reference(),
        sample=facts.sample,
    )


def _place(facts: CaseFacts, manner: str) -> str:
    if "邮" in manner:
        return "按申请人确认的送达地址邮寄"
    if "电子" in manner:
        return "“市县联动”审批平台"
    return facts.window
