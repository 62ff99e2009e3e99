"""The case (办件): what an applicant asked for, and how far it has come."""

from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, UniqueConstraint, event, text
from sqlmodel import Field, Relationship, SQLModel

from models.case_clock import LimitUnit
from models.case_deadlines import CaseDeadlines
from models.catalogue import Mode
from models.database import Instant, choice
from models.encrypted import EncryptedText


class CaseState(IntEnum):
    """De-facto state codes of approval platforms (DOMAIN §4)."""

    RECEIVED = 1
    RETRACTED = 2
    ACCEPTED = 3
    NOT_NEEDED = 4
    REFUSED = 5
    CORRECTION_OPEN = 6
    CORRECTION_CLOSED = 7
    IN_DEPARTMENT = 8
    SPECIAL_OPEN = 9
    SPECIAL_CLOSED = 10
    CLOSED_APPROVED = 11
    CLOSED_TOLERATED = 12
    CLOSED_DENIED = 13
    WITHDRAWN = 14
    REVOKED = 15

    @property
    def label(self) -> str:
        """Return the Chinese name printed on pages and documents."""
        return STATE_LABELS[self]

    @classmethod
    def closed(cls) -> frozenset["CaseState"]:
        """Return the states in which a case is over."""
        return CLOSED_STATES


STATE_LABELS = {
    CaseState.RECEIVED: "已接件",
    CaseState.RETRACTED: "已撤件",
    CaseState.ACCEPTED: "已受理",
    CaseState.NOT_NEEDED: "不受理",
    CaseState.REFUSED: "不予受理",
    CaseState.CORRECTION_OPEN: "补正(开始)",
    CaseState.CORRECTION_CLOSED: "补正(结束)",
    CaseState.IN_DEPARTMENT: "部门开始办理",
    CaseState.SPECIAL_OPEN: "特别程序(开始)",
    CaseState.SPECIAL_CLOSED: "特别程序(结束)",
    CaseState.CLOSED_APPROVED: "办结(通过)",
    CaseState.CLOSED_TOLERATED: "办结(容缺通过)",
    CaseState.CLOSED_DENIED: "办结(不通过)",
    CaseState.WITHDRAWN: "撤回",
    CaseState.REVOKED: "撤销",
}
CLOSED_STATES = frozenset(
    {
        CaseState.RETRACTED,
        CaseState.NOT_NEEDED,
        CaseState.REFUSED,
        CaseState.CLOSED_APPROVED,
        CaseState.CLOSED_TOLERATED,
        CaseState.CLOSED_DENIED,
        CaseState.WITHDRAWN,
        CaseState.REVOKED,
    }
)


class Verdict(StrEnum):
    """What was decided on the merits."""

    APPROVE = "approve"
    DENY = "deny"


class ApplicantKind(StrEnum):
    """Who applies."""

    PERSON = "person"
    ORGANIZATION = "organization"


class IdentityType(StrEnum):
    """The kind of identity number: 居民身份证 or 统一社会信用代码."""

    ID_CARD = "id_card"
    USCC = "uscc"


class MaterialKind(StrEnum):
    """How a material is handed in."""

    ORIGINAL = "original"
    COPY = "copy"
    ELECTRONIC = "electronic"

    @property
    def label(self) -> str:
        """Return the Chinese name."""
        return _MATERIAL_KINDS[self]


_MATERIAL_KINDS = {MaterialKind.ORIGINAL: "原件", MaterialKind.COPY: "复印件", MaterialKind.ELECTRONIC: "电子件"}


class Case(SQLModel, table=True):
    """One application for one item in one area; its number is also the engine's correlation key."""

    __tablename__ = "case"
    __table_args__ = (
        Index(
            "uq_case_open_application",
            "applicant_digest",
            "item_code",
            "project",
            unique=True,
            sqlite_where=text("is_open"),
            postgresql_where=text("is_open"),
        ),
        Index("ix_case_area_received", "area", "received_at", "case_no"),
        Index("ix_case_unit_received", "city_unit", "received_at", "case_no"),
        Index("ix_case_received", "received_at", "case_no"),
        Index("ix_case_certificate", "certificate_number"),
        Index("ix_case_open_unstarted", "is_open", "process_instance_key"),
    )

    case_no: str = Field(primary_key=True, max_length=32)
    query_code: str = Field(max_length=16)
    item_code: str = Field(index=True, max_length=16)
    item_version: int
    guide_version: int
    item_name: str
    mode: Mode = Field(sa_type=choice(Mode))
    power_kind: str = Field(max_length=16)
    power_type: str = Field(max_length=32)
    area: str = Field(max_length=32)
    city_unit: str = Field(max_length=32)
    county_unit: str | None = Field(default=None, max_length=32)
    """The county unit that handles the case (承办部门); a second transfer (二次划转) may move it to another."""
    review_unit: str | None = Field(default=None, max_length=32)
    """The county unit a ``substantive`` case is passed on to (转办), where that unit has accounts of its own."""
    on_site_check: bool = False
    approval_filing: bool = False
    """报批: the city unit consents before the county decides."""
    project: str = Field(default="", max_length=200)
    conditions: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    certificate_number: str | None = Field(default=None, max_length=64)
    """The certificate the case is to change, renew, replace or cancel."""
    applicant_digest: str = Field(max_length=64)
    submitted_by: str = Field(max_length=64)
    is_open: bool = True
    state: int = Field(default=CaseState.RECEIVED)
    state_before_special: int | None = None
    level: int = 0
    """0: with the county; 1: with the city."""
    taken_over_at: datetime | None = Field(default=None, sa_type=Instant)
    """When a recall handed the running case to the city unit."""
    received_at: datetime = Field(sa_type=Instant)
    correction_requested_at: datetime | None = Field(default=None, sa_type=Instant)
    supplemented_at: datetime | None = Field(default=None, sa_type=Instant)
    accepted_at: datetime | None = Field(default=None, sa_type=Instant)
    deemed_accepted: bool = False
    decided_at: datetime | None = Field(default=None, sa_type=Instant)
    decision: Verdict | None = Field(default=None, sa_type=choice(Verdict))
    closed_at: datetime | None = Field(default=None, sa_type=Instant)
    limit_days: int | None = None
    promised_days: int | None = None
    limit_unit: LimitUnit = Field(default=LimitUnit.WORKING_DAY, sa_type=choice(LimitUnit))
    handling: str = Field(default="承诺件", max_length=8)
    """承诺件 (promised by a date) or 即办件 (done on the day of acceptance)."""
    review_days: int | None = None
    """The county's share of a ``substantive`` case, working days from acceptance."""
    decision_days: int | None = None
    """The city's share of a ``substantive`` case, from the dossier's receipt."""
    overdue_at: datetime | None = Field(default=None, sa_type=Instant)
    """The first instant past the statutory limit; never cleared, however the case ends."""
    tolerated_materials: str | None = None
    """What is missing at a conditional acceptance (容缺受理)."""
    tolerated_until: datetime | None = Field(default=None, sa_type=Instant)
    tolerated_supplied_at: datetime | None = Field(default=None, sa_type=Instant)
    by_commitment: bool = False
    """Accepted on the applicant's written promise (告知承诺)."""
    process_id: str = Field(max_length=64)
    process_instance_key: int | None = Field(default=None, sa_type=BigInteger, index=True)
    deadlines: CaseDeadlines = Relationship(
        sa_relationship_kwargs={"lazy": "joined", "innerjoin": True, "uselist": False, "cascade": "all"}
    )
    """The case's deadlines; loaded with the case in one statement, and created with it."""

    @property
    def case_state(self) -> CaseState:
        """Return the state as the enumeration."""
        return CaseState(self.state)

    @property
    def handled_as(self) -> Mode:
        """Return the mode by which the case is examined and decided: the city's own once a recall took it over."""
        return Mode.WINDOW if self.taken_over_at is not None else self.mode

    @property
    def supervised_by_city_unit(self) -> bool:
        """Tell whether the city unit's own supervision office is responsible: for a county's item, taken over.

        Nobody in the city is named for a ``direct`` item, and a county does not supervise what the city decides.
        """
        return self.mode is Mode.DIRECT and self.taken_over_at is not None


@event.listens_for(Case, "init")
def _make_deadlines(_case: Case, _positional: tuple[object, ...], values: dict[str, Any]) -> None:
    """Create the deadlines of a new case: a case without them cannot be loaded."""
    values.setdefault("deadlines", CaseDeadlines(case_no=values["case_no"]))


class Applicant(SQLModel, table=True):
    """The applicant of one case; personal data stays in this table and in documents, which mask number and phone."""

    case_no: str = Field(primary_key=True, foreign_key="case.case_no", max_length=32)
    kind: ApplicantKind = Field(sa_type=choice(ApplicantKind))
    name: str = Field(max_length=200)
    id_type: IdentityType = Field(sa_type=choice(IdentityType))
    id_number: str = Field(sa_type=EncryptedText("applicant.id_number"))
    phone: str = Field(sa_type=EncryptedText("applicant.phone"))


class Material(SQLModel, table=True):
    """One material handed in, at first (round 0) or as a supplement (round 1)."""

    __table_args__ = (UniqueConstraint("case_no", "round", "position", name="uq_material_position"),)

    id: int | None = Field(default=None, primary_key=True)
    case_no: str = Field(foreign_key="case.case_no", max_length=32)
    round: int = 0
    position: int
    name: str = Field(max_length=200)
    copies: int
    kind: MaterialKind = Field(sa_type=choice(MaterialKind))
    present: bool


class FormCheckFinding(SQLModel, table=True):
    """One line of the form check (形式审查) shown to the window clerk."""

    __tablename__ = "form_check_finding"
    __table_args__ = (UniqueConstraint("case_no", "round", "rule", "subject", name="uq_form_check_finding"),)

    id: int | None = Field(default=None, primary_key=True)
    case_no: str = Field(foreign_key="case.case_no", max_length=32)
    round: int = 0
    rule: str = Field(max_length=32)
    subject: str = Field(max_length=200)
    passed: bool
    message: str


class Submission(SQLModel, table=True):
    """One ``Idempotency-Key`` received: the same key and body are answered with the same case."""

    account: str = Field(primary_key=True, max_length=64)
    key: str = Field(primary_key=True, max_length=200)
    body_digest: str = Field(sa_type=EncryptedText("submission.body_digest"))
    """SHA-256 of the body; encrypted, as the ID number could be guessed from it: the rest is in the case."""
    case_no: str = Field(max_length=32)


class NumberSequence(SQLModel, table=True):
    """The next serial number under one prefix (cases, documents, certificates)."""

    __tablename__ = "number_sequence"

    prefix: str = Field(primary_key=True, max_length=64)
    last: int = 0
