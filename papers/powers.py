"""The takeover agreement (承接协议) as a paper both sides sign."""

from dataclasses import dataclass
from datetime import date, datetime

from papers.paper import Fields, Labelled, Paper, Paragraph, Reference, Table
from papers.wording import day_text, minute_text

TITLE = "权限承接协议"
_UNSIGNED = "（待签署）"


@dataclass(frozen=True)
class SideFact:
    """One side: its full name, and by whom and when it was signed for; empty while it is not."""

    name: str
    signed_by: str = ""
    signed_at: datetime | None = None

    @property
    def signature(self) -> str:
        """Return who signed and when, as the paper prints it."""
        return f"{self.signed_by}，{minute_text(self.signed_at)}" if self.signed_at is not None else _UNSIGNED


@dataclass(frozen=True)
class AgreementFact:
    """The agreed terms; ``items`` are codes and whole names, ``digest`` is what both sides signed."""

    number: int
    state: str
    city: SideFact
    county: SideFact
    items: tuple[tuple[str, str], ...]
    procedure: str
    in_force_from: date
    drafted_on: date
    digest: str
    sample: bool

    @property
    def concluded_on(self) -> date:
        """Return the day the last side signed, the draft's day before."""
        signed = [one.signed_at.date() for one in (self.city, self.county) if one.signed_at is not None]
        return max(signed) if len(signed) == len((self.city, self.county)) else self.drafted_on


def agreement(facts: AgreementFact) -> Paper:
    """Compose the agreement: the sides, the items, the review procedure, from when, and both signatures.

    Source: the city's plan wants it signed, with the procedure fixed, before a county accepts (section 三(二)).
    """
    rows = tuple((str(place), code, name) for place, (code, name) in enumerate(facts.items, start=1))
    return Paper(
        issuer=facts.city.name,
        title=TITLE if facts.city.signed_at and facts.county.signed_at else f"{TITLE}（草案）",
        number=f"承接协议第{facts.number}号",
        addressee="",
        blocks=(
            Paragraph(
                f"甲方：{facts.city.name}；乙方：{facts.county.name}。双方就下列事项实质性审核权的下放和承接，约定如下。"
            ),
            Paragraph("承接的事项", heading=True),
            Table(("序号", "事项编码", "事项名称"), (0.1, 0.17, 0.73), rows),
            Paragraph("审核审批程序", heading=True),
            *(Paragraph(line) for line in facts.procedure.splitlines() if line.strip()),
            Paragraph("效力", heading=True),
            Paragraph(f"本协议经双方签署后，自{day_text(facts.in_force_from)}起生效。当前状态：{facts.state}。"),
            Fields(
                (
                    Labelled("甲方签署", facts.city.signature),
                    Labelled("乙方签署", facts.county.signature),
                    Labelled("约定内容摘要（SHA-256）", facts.digest),
                )
            ),
        ),
        seal="",
        signatory=f"{facts.city.name}　{facts.county.name}",
        signed_on=facts.concluded_on,
        reference=Reference("", "", "", "签署双方可凭协议编号在平台核对摘要"),
        sample=facts.sample,
    )
