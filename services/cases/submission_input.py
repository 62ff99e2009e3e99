"""What is submitted for a case, and the receipt that answers it."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt

from models.case import ApplicantKind, IdentityType, MaterialKind
from models.catalogue import Mode

FileId = Annotated[str, Field(min_length=1, max_length=32)]
"""An id that ``POST /files`` returned."""


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
    files: list[FileId] = Field(default_factory=list, max_length=20)


class CaseSubmission(BaseModel):
    """The body of ``POST /cases``."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    item: str = Field(min_length=1, max_length=16)
    area: str = Field(min_length=1, max_length=32)
    applicant: ApplicantInput
    project: str = Field(default="", max_length=200)
    certificate_number: str | None = Field(default=None, max_length=64)
    """The certificate the case is about, where the item changes, renews, replaces or cancels one."""
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
