"""What the product tells the outside: the typed answers of the API and the pages, as ``API.md`` fixes them."""

from datetime import date, datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt

from models.case import ApplicantKind, IdentityType, MaterialKind, Verdict
from models.catalogue import Mode
from models.task import Light
from services.case_access import ApplicantView

Row = TypeVar("Row")


class Page(BaseModel, Generic[Row]):
    """One page of a list and the cursor of the next."""

    items: list[Row]
    next: str | None = None


class StateView(BaseModel):
    """A case's state: code and Chinese name."""

    code: int
    name: str


class ApplicantInput(BaseModel):
    """Who applies, as submitted."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    kind: ApplicantKind
    name: str = Field(min_length=1, max_length=200)
    id_type: IdentityType
    id_number: str = Field(min_length=1, max_length=32)
    phone: str = Field(min_length=1, max_length=32)


class MaterialInput(BaseModel):
    """One material handed in."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: str = Field(min_length=1, max_length=200)
    copies: StrictInt = Field(default=1, ge=0, le=10_000)
    kind: MaterialKind = MaterialKind.ORIGINAL
    present: StrictBool = True


class CaseSubmission(BaseModel):
    """The body of ``POST /cases``."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    item: str = Field(min_length=1, max_length=16)
    area: str = Field(min_length=1, max_length=32)
    applicant: ApplicantInput
    project: str = Field(default="", max_length=200)
    conditions: dict[str, Any] = Field(default_factory=dict)
    materials: list[MaterialInput] = Field(default_factory=list, max_length=200)


class SubmissionReceipt(BaseModel):
    """The answer to ``POST /cases``."""

    case_no: str
    query_code: str
    state: StateView
    mode: Mode
    item: str
    area: str


class OutcomeView(BaseModel):
    """One answer a task can be completed with."""

    value: str
    label: str


class TaskView(BaseModel):
    """A task as lists show it."""

    id: str
    case_no: str
    element_id: str
    process_id: str
    name: str
    item_name: str
    area: str
    candidate_groups: list[str]
    assignee: str | None
    created_at: datetime
    due_at: datetime | None
    provisional: bool
    """The due instant rests on days whose holidays are not published yet (暂定)."""
    light: Light
    form_id: str | None
    outcomes: list[OutcomeView]


class FormView(BaseModel):
    """A task's form: form-js schema and prefilled data."""

    schema_: dict[str, Any] = Field(alias="schema")
    data: dict[str, Any]

    model_config = ConfigDict(populate_by_name=True)


class TaskDetail(TaskView):
    """A task with its form and what led to it."""

    form: FormView | None
    status: str


class TaskCompletion(BaseModel):
    """The body of ``POST /tasks/{id}/complete``."""

    model_config = ConfigDict(extra="forbid")

    outcome: str = Field(min_length=1, max_length=64)
    opinion: str = Field(default="", max_length=4000)
    values: dict[str, Any] = Field(default_factory=dict)


class ClockDay(BaseModel):
    """One day of a case's clock and why it counts or not."""

    date: date
    status: str
    reason: str


class ReceiptView(BaseModel):
    """The limit to answer a receipt (受理期限), every day told; ``due_on`` is null while a correction is awaited."""

    limit: int
    used: int
    due_on: date | None
    provisional: bool
    days: list[ClockDay]


class ClockView(BaseModel):
    """A case's clock, every day told: the decision's from acceptance on, and the receipt's before it."""

    limit: int | None
    unit: str
    used: int
    remaining: int | None
    days: list[ClockDay]
    provisional: bool = False
    yellow_on: date | None = None
    """The day on which the yellow light comes on."""
    receipt: ReceiptView


class ToleranceView(BaseModel):
    """What was missing at an acceptance with a gap (容缺受理), by when it was promised and when it came."""

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
    pushes: list[dict[str, Any]]
    policy_notices: list[dict[str, Any]]
    restrictions: list[dict[str, Any]]
    filings: list[dict[str, Any]]
    special_procedures: list[dict[str, Any]]
    extension: dict[str, Any] | None
    dossier: dict[str, Any] | None
    process_instances: list[InstanceView]
