"""What the handling of a case adds to it, as the contract shows it: special procedures, extension, dossier."""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from models.case import MaterialKind
from models.special_procedure import SpecialKind


class SpecialProcedureView(BaseModel):
    """A special procedure of a case; ``provisional`` says that its planned end is still an estimate."""

    id: str
    kind: SpecialKind
    days: int
    reason: str
    begun_at: datetime
    planned_end_at: datetime
    provisional: bool
    ended_at: datetime | None
    presiding_officer: str | None
    told_on: date | None
    requested_on: date | None
    held_on: date | None


class GrantedExtensionView(BaseModel):
    """The extension of a case's limit, as its page shows it; ``days`` are working days."""

    days: int
    reason: str
    approved_by: str
    approved_at: datetime


class DossierOpinionView(BaseModel):
    """The county's opinion; ``values`` are the fields of the review's form, whatever its designer asked."""

    outcome: str
    text: str
    values: dict[str, Any]


class DossierReviewerView(BaseModel):
    """Who reviewed in substance; ``at`` is the text that was digested."""

    account: str
    at: str


class OnSiteCheckView(BaseModel):
    """The on-site check (现场核查): who recorded it, when, and the fields of its form."""

    model_config = ConfigDict(extra="allow")

    account: str
    at: str


class DossierFileView(BaseModel):
    """A file of a material in the dossier: the city opens it by ``GET /files/{id}``."""

    id: str
    name: str
    sha256: str


class DossierMaterialView(BaseModel):
    """A material of the dossier and the digest of its description."""

    name: str
    copies: int
    kind: MaterialKind
    present: bool
    round: int
    files: list[DossierFileView] = []
    """The files that came with it, whose digests are part of the material's."""
    sha256: str


class DossierSignatureView(BaseModel):
    """The chief representative's signature; ``decision_id`` is the number of the recorded answer."""

    account: str
    at: str
    opinion: str
    decision_id: int


class DossierView(BaseModel):
    """The latest transfer dossier (审核转报件): its body as digested, and its way to the city and back."""

    case_no: str
    item: str
    opinion: DossierOpinionView
    reviewers: list[DossierReviewerView]
    on_site_check: OnSiteCheckView | None
    materials: list[DossierMaterialView]
    signature: DossierSignatureView
    round: int
    sha256: str
    forwarded_by: str
    forwarded_at: datetime
    received_by: str | None
    received_at: datetime | None
    returned_by: str | None
    returned_at: datetime | None
    return_reason: str
