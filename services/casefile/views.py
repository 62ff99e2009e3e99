"""A case as it is shown: its row in a list and the whole of it, as ``API.md`` fixes them."""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel

from models.case import MaterialKind, Verdict
from models.catalogue import Mode
from models.task import Light
from services.accounts.case_access import ApplicantView
from services.cases.submission_input import StateView
from services.cases.views import DossierView, GrantedExtensionView, SpecialProcedureView
from services.deadlines.clock_views import ClockView
from services.files.views import FileView
from services.powers.filing_views import FilingView
from services.supervision.policy_ledger import PolicyNoticeRef
from services.supervision.push_ledger import PushView, RestrictionView
from services.tasks.views import TaskView


class ToleranceView(BaseModel):
    """What was missing at a conditional acceptance (容缺受理), by when it was promised and when it came."""

    materials: str
    until: datetime
    supplied_at: datetime | None


class TimelineView(BaseModel):
    """One line of a case's history."""

    at: datetime
    actor: str
    event: str
    text: str


class DocumentView(BaseModel):
    """An issued document; its PDF is at ``/documents/{id}``."""

    id: int
    kind: str
    number: str
    seal: str
    sha256: str
    signed: bool
    """Whether the PDF is signed; papers issued before papers were signed are not."""

    issued_at: datetime


class CertificateView(BaseModel):
    """A certificate of the case."""

    number: str
    name: str
    status: str
    issued_at: datetime
    valid_until: date | None


class InstanceView(BaseModel):
    """A process instance of the case."""

    key: str
    process_id: str
    state: str


class FindingView(BaseModel):
    """One line of the form check."""

    rule: str
    subject: str
    passed: bool
    message: str
    round: int


class MaterialView(BaseModel):
    """A material of the case."""

    name: str
    copies: int
    kind: MaterialKind
    present: bool
    round: int
    files: list[FileView]


class OpinionView(BaseModel):
    """A person's recorded answer in a task of the case."""

    task: str
    element_id: str
    account: str
    outcome: str
    outcome_label: str
    opinion: str
    at: datetime
    overtaken: bool
    files: list[FileView]


class PublicDocument(BaseModel):
    """A document as the applicant sees it; ``id`` is for its download, None where the paper stays with the organs."""

    id: int | None
    kind: str
    number: str
    issued_at: datetime


class PublicStep(BaseModel):
    """One step of the case's way, without who did it."""

    at: datetime
    text: str


class PublicCase(BaseModel):
    """What an applicant may see of the case."""

    case_no: str
    item: str
    item_name: str
    area: str
    area_name: str
    state: StateView
    received_at: datetime
    accepted_at: datetime | None
    handling: str
    """即办件 or 承诺件."""
    due_at: datetime | None
    promised_due_at: datetime | None
    provisional: bool
    provisional_dates: list[str]
    closed_at: datetime | None
    decision: Verdict | None
    asked: list[str]
    """What the applicant still has to correct, while a correction is open (一次性补正告知)."""
    asked_until: datetime | None
    steps: list[PublicStep]
    documents: list[PublicDocument]
    certificates: list[str]


class CaseRow(BaseModel):
    """A case as lists show it; the applicant is masked."""

    case_no: str
    state: StateView
    mode: Mode
    item: str
    item_name: str
    area: str
    area_name: str
    city_unit: str
    project: str
    applicant_name: str
    received_at: datetime
    accepted_at: datetime | None
    due_at: datetime | None
    provisional: bool
    closed_at: datetime | None
    decision: Verdict | None
    light: Light


class CaseView(CaseRow):
    """A whole case, as ``GET /cases/{case_no}`` answers."""

    level: int
    power_type: str
    city_unit_name: str
    county_unit: str | None
    county_unit_name: str
    """The county unit that handles the case (承办部门), empty where the list names none."""
    item_version: int
    guide_version: int
    certificate_number: str | None
    """The certificate the case is to change, renew, replace or cancel."""
    deemed_accepted: bool
    decided_at: datetime | None
    acceptance_due_at: datetime | None
    supplement_due_at: datetime | None
    promised_due_at: datetime | None
    review_due_at: datetime | None
    """The end of the county's share of a ``substantive`` case."""
    decision_due_at: datetime | None
    """The end of the city's share, from the dossier's receipt."""
    delivery_due_at: datetime | None
    handling: str
    """即办件 or 承诺件."""
    overdue_at: datetime | None
    """The first instant past the statutory limit; it stays, however the case ends."""
    tolerance: ToleranceView | None
    by_commitment: bool
    provisional_dates: list[str]
    """Which of the case's dates, by their names here, are provisional (暂定)."""
    clock: ClockView
    applicant: ApplicantView
    conditions: dict[str, Any]
    materials: list[MaterialView]
    form_check: list[FindingView]
    opinions: list[OpinionView]
    tasks: list[TaskView]
    timeline: list[TimelineView]
    documents: list[DocumentView]
    certificates: list[CertificateView]
    pushes: list[PushView]
    policy_notices: list[PolicyNoticeRef]
    restrictions: list[RestrictionView]
    filings: list[FilingView]
    special_procedures: list[SpecialProcedureView]
    extension: GrantedExtensionView | None
    dossier: DossierView | None
    process_instances: list[InstanceView]
