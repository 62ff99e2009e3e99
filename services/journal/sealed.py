"""What is sealed: the rows whose content the audit chain vouches for, in parts, so that a difference can be located.

A part is a readable name and what is digested of a row. A part that another step fills in later (a decision, a
receipt) is sealed empty with the row and again when it is filled in; the latest seal counts. What people or the engine
go on changing in between (a task's state, a case's dates) is no part.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any, Final

import orjson
from sqlmodel import SQLModel

from models.audit import TimelineEntry
from models.case import Applicant, Case
from models.certificate import CertificateEvent, CertificateRevocation
from models.document import Certificate, Document
from models.dossier import TransferDossier
from models.policy import PolicyFile
from models.stored_file import StoredFile
from models.task_outcome import TaskOutcome
from services import keys

PURPOSE: Final = "audit"
DIGEST_LENGTH: Final = 32
"""Hexadecimal digits kept of a keyed digest: 128 bits."""

Part = Callable[[Any], Any]


@dataclass(frozen=True)
class Seal:
    """The digest of a part as the chain records it, and the data key it was made under."""

    digest: str
    key_id: str


@dataclass(frozen=True)
class Kind:
    """One table whose rows are sealed: how a row is identified, what it belongs to, and its parts."""

    model: type[SQLModel]
    label: str
    key: tuple[str, ...]
    parts: Mapping[str, Part]
    owner: str = "case_no"
    subject: str = ""
    """The prefix of the chain's subject before the owner's key."""

    @property
    def table(self) -> str:
        """Return the table's name."""
        return str(self.model.__tablename__)

    def name_of(self, row: SQLModel) -> str:
        """Return a row's name in the chain: ``table:key``."""
        return f"{self.table}:{'/'.join(str(getattr(row, one)) for one in self.key)}"

    def subject_of(self, row: SQLModel) -> str:
        """Return the subject under which a row is sealed."""
        return f"{self.subject}{getattr(row, self.owner)}"

    def digests(self, row: SQLModel, *parts: str) -> dict[str, str]:
        """Return the digests of a row's parts, by default of all, under the present data key."""
        present = keys.data_keys()[0]
        return {part: _digest(self, row, part, present) for part in parts or self.parts}

    def fits(self, row: SQLModel, part: str, seal: "Seal") -> bool:
        """Tell whether a row's part is as it was sealed; under an unavailable key it does not."""
        if part not in self.parts:
            return False
        return _digest(self, row, part, keys.find_data_key(seal.key_id)) == seal.digest


def _columns(*names: str) -> Part:
    return lambda row: [getattr(row, name) for name in names]


def _closing(case: Case) -> list[object]:
    return [case.is_open, case.closed_at, None if case.is_open else case.state]


PDF: Final = "pdf"
CASE: Final = Kind(
    Case,
    "办件",
    ("case_no",),
    {
        "application": _columns(
            "item_code", "item_version", "guide_version", "area", "project", "conditions", "submitted_by", "received_at"
        ),
        "decision": _columns("decision", "decided_at"),
        "closing": _closing,
        "certificate": _columns("certificate_number"),
    },
)
DOCUMENT: Final = Kind(
    Document,
    "文书",
    ("id",),
    {
        PDF: lambda document: document.pdf,
        "record": _columns("case_no", "natural_key", "kind", "number", "seal", "issued_at", "body", "sha256"),
        "signature": _columns("signature"),
    },
)
KINDS: Final = (
    CASE,
    Kind(
        Applicant,
        "申请人",
        ("case_no",),
        {"identity": _columns("kind", "name", "id_type", "id_number"), "phone": _columns("phone")},
    ),
    Kind(
        TaskOutcome,
        "办理意见",
        ("task_key",),
        {
            "outcome": _columns("case_no", "element_id", "account", "outcome", "outcome_label", "decided_at"),
            "opinion": _columns("opinion"),
            "values": _columns("form_values"),
        },
    ),
    Kind(TimelineEntry, "办件经过", ("case_no", "natural_key"), {"entry": _columns("at", "actor", "event", "text")}),
    DOCUMENT,
    Kind(
        Certificate,
        "电子证照",
        ("number",),
        {
            "record": _columns("case_no", "item_code", "name", "holder", "content", "issued_at", "valid_until"),
            "status": _columns("status"),
            "signature": _columns("signature"),
            "links": _columns("replaces", "replaced_by", "ended_at"),
        },
    ),
    Kind(
        CertificateEvent,
        "证照经过",
        ("number", "key"),
        {"entry": _columns("case_no", "at", "actor", "event", "text")},
    ),
    Kind(
        CertificateRevocation,
        "撤销程序",
        ("id",),
        {
            "opening": _columns("number", "case_no", "ground", "facts", "opened_by", "opened_at", "notified_at"),
            "hearing": _columns("statement", "hearing", "heard_by", "heard_at"),
            "decision": _columns("outcome", "reason", "decided_by", "decided_at"),
        },
    ),
    Kind(
        TransferDossier,
        "审核转报件",
        ("id",),
        {
            "body": _columns("case_no", "round", "body", "digest", "forwarded_by", "forwarded_at"),
            "receipt": _columns("received_by", "received_at"),
            "return": _columns("returned_by", "returned_at", "return_reason"),
        },
    ),
    Kind(
        StoredFile,
        "提交的文件",
        ("id",),
        {"file": _columns("case_no", "name", "media_type", "size", "sha256", "uploaded_by", "material_id", "task_key")},
    ),
    Kind(
        PolicyFile,
        "政策文件附件",
        ("notice_id",),
        {"file": _columns("name", "sha256", "size", "content")},
        owner="notice_id",
        subject="notice-",
    ),
)
KIND_OF: Final = {kind.model: kind for kind in KINDS}
KIND_NAMED: Final = {kind.table: kind for kind in KINDS}


def _digest(kind: Kind, row: SQLModel, part: str, key: keys.DataKey | None) -> str:
    """Return the digest of a part: of a PDF the plain SHA-256, of everything else a keyed one, empty without a key.

    A name or an opinion could be guessed and tried against a plain digest; the pages of a paper cannot.
    """
    content = kind.parts[part](row)
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    if key is None:
        return ""
    told = [kind.name_of(row), part, [_plain(value) for value in content]]
    return keys.keyed_digest(PURPOSE, orjson.dumps(told, option=orjson.OPT_SORT_KEYS), key)[:DIGEST_LENGTH]


def _plain(value: object) -> object:
    """Return a value in a form that is the same before it is written and after it is read, on every database."""
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    if isinstance(value, dict | list | tuple):
        return orjson.loads(orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS))
    return value
