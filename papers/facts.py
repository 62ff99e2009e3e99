"""What a paper may say about a case: plain values, gathered by ``services.documents.case_facts``."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from models.case_clock import LimitUnit
from models.catalogue import Mode, PowerKind
from models.certificate import CertificateAction
from models.document import DocumentKind
from papers.paper import Labelled, Reference

_VERIFICATION = "凭办件流水号和查询码向受理窗口查询核对"


@dataclass(frozen=True)
class MaterialFact:
    """One material as the papers list it; ``later`` marks a supplement (补正)."""

    name: str
    copies: int
    kind: str
    received: bool
    later: bool


LONGEST_TITLE: Final = 120
"""How many characters of an item's name fit in a sentence."""


@dataclass(frozen=True)
class ApplicantFact:
    """The applicant; number and phone are masked already."""

    name: str
    identity_label: str
    identity: str
    phone: str


@dataclass(frozen=True)
class LimitFact:
    """The case's limits and the days they end on; what is provisional or ``assumed`` is printed, never hidden."""

    unit: LimitUnit
    handling: str
    """即办件 or 承诺件."""
    statutory: int | None
    promised: int | None
    due: date | None
    promised_due: date | None
    provisional: bool
    promised_provisional: bool
    assumed: bool

    @property
    def unit_text(self) -> str:
        """Return 工作日 or 日."""
        return "个工作日" if self.unit is LimitUnit.WORKING_DAY else "日"


@dataclass(frozen=True)
class Overruled:
    """What the form check did not pass although the window accepted, and the window's reason."""

    unmet: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Issuer:
    """In whose name a kind of paper goes out (署名机关), as ``catalog_data/paper_organs.csv`` says.

    ``series`` stands in the paper's number, ``signer`` is the post that signs, ``reconsidered_by`` are the governments
    that reconsider the organ's acts: any of them, at the applicant's choice.
    """

    organ: str
    seal: str
    series: str
    signer: str
    reconsidered_by: tuple[str, ...]


@dataclass(frozen=True)
class CertificateFact:
    """What a decision does to a certificate (证照), and what it says of the new one."""

    action: CertificateAction
    valid_until: date | None = None
    validity_note: str = ""
    """Where the last day comes from, when nobody wrote it."""
    fields: tuple[Labelled, ...] = ()
    former: str = ""
    """The number of the certificate it changes, renews, replaces or cancels; empty for a new one."""


@dataclass(frozen=True)
class CaseFacts:
    """A case as its papers tell it; organs are full names, ``basis`` is the guide's text or 待市级单位填报."""

    case_no: str
    query_code: str
    item_code: str
    item_name: str
    """The whole name, however long; printed once, in the paper's fields."""
    item_main: str
    power_kind: PowerKind
    power_type: str
    mode: Mode
    """The mode under which the case was submitted."""
    recalled_at: datetime | None
    """When the city took the case over (收回权限)."""
    project: str
    applicant: ApplicantFact
    area: str
    window: str
    county_organ: str
    city_organ: str
    issuers: Mapping[DocumentKind, Issuer]
    basis: str
    fees: str
    result_name: str
    received_at: datetime
    accepted_at: datetime | None
    deemed_accepted: bool
    owed: str
    owed_until: date | None
    by_commitment: bool
    limits: LimitFact
    materials: tuple[MaterialFact, ...]
    receiver: str
    sample: bool

    @property
    def item_title(self) -> str:
        """Return the item's name for a sentence: the whole one, or the main item's where that is a page long."""
        return self.item_name if len(self.item_name) <= LONGEST_TITLE else self.item_main

    @property
    def deciding_organ(self) -> str:
        """Return the organ in whose name the case is decided."""
        return self.issuers[DocumentKind.GRANT].organ

    @property
    def mode_words(self) -> str:
        """Return what delegation the case is handled under: the mode's term, none once the power was recalled."""
        return self.mode.label if self.recalled_at is None else "权限已收回，由市级单位办理"

    @property
    def licence(self) -> bool:
        """Tell whether the licensing law (行政许可法) applies by itself."""
        return self.power_kind is PowerKind.LICENSE

    @property
    def project_text(self) -> str:
        """Return the project's name, or a dash."""
        return self.project or "—"

    def reference(self) -> Reference:
        """Return the footer of this case's papers."""
        return Reference(
            case_no=self.case_no,
            query_code=self.query_code,
            contact=f"{self.window}（地址和电话以窗口公示为准）",
            verification=_VERIFICATION,
        )
