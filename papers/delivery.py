"""The return of service (送达回证)."""

from dataclasses import dataclass
from datetime import date, datetime

from models.document import DocumentKind
from papers.facts import CaseFacts
from papers.paper import Fields, Labelled, Paper, Table
from papers.wording import day_text

_SIGNED = "\n　　　　　　　　　　　　　　　　　年　　月　　日"
"""Room for a signature, and the blanks of its date."""


@dataclass(frozen=True)
class Delivered:
    """One document that was served."""

    kind: str
    number: str


@dataclass(frozen=True)
class ServiceFact:
    """How and when the papers were served; what nobody stated is empty and left to be written by hand."""

    manner: str
    served_on: date
    receiver: str = ""
    capacity: str = ""
    place: str = ""
    at_window: bool = False
    tracking_number: str = ""
    refusal: str = ""
    witnesses: tuple[str, ...] = ()
    notice_from: date | None = None

    @property
    def signed_for(self) -> str:
        """Return who took the papers and as what, empty when nobody said."""
        return f"{self.receiver}（{self.capacity}）" if self.receiver and self.capacity else self.receiver


def return_of_service(
    facts: CaseFacts, number: str, at: datetime, service: ServiceFact, served: tuple[Delivered, ...]
) -> Paper:
    """Compose the return of service: documents, addressee, manner, place, day, signature, refusal and witnesses."""
    issuer = facts.issuers[DocumentKind.DELIVERY]
    rows = tuple((str(place), one.kind, one.number) for place, one in enumerate(served, start=1))
    return Paper(
        issuer=issuer.organ,
        title=DocumentKind.DELIVERY.value,
        number=number,
        addressee="",
        blocks=(
            Fields(
                (
                    Labelled("案由", f"{facts.item_name}（{facts.case_no}）"),
                    Labelled("受送达人", facts.applicant.name),
                    Labelled("送达方式", service.manner),
                    Labelled("送达地点", facts.window if service.at_window else service.place or "　"),
                    Labelled("送达日期", day_text(service.served_on)),
                    *_of_the_manner(service),
                )
            ),
            Table(("序号", "送达文书名称", "文书编号"), (0.1, 0.33, 0.57), rows, caption="送达的文书"),
            Fields(
                (
                    Labelled("受送达人签名或盖章", _SIGNED),
                    Labelled("代收人签名及理由", _SIGNED),
                    Labelled("拒收事由", service.refusal or "\n　"),
                    Labelled("见证人签名", "、".join(service.witnesses) + _SIGNED),
                )
            ),
        ),
        seal=issuer.seal,
        signatory=issuer.organ,
        signed_on=at.date(),
        reference=facts.reference(),
        sample=facts.sample,
    )


def _of_the_manner(service: ServiceFact) -> tuple[Labelled, ...]:
    stated = (
        ("邮件号码", service.tracking_number),
        ("签收人", service.signed_for),
        ("公告发布日期", day_text(service.notice_from) if service.notice_from is not None else ""),
    )
    return tuple(Labelled(label, text) for label, text in stated if text)
