"""The events outside systems may subscribe to, and the schema of each one's data.

A payload is ``{id, type, timestamp, subject, data}``; ``data`` is one of the classes below. Fields may be added, so a
receiver ignores those it does not know; none is renamed or removed. A person's name is masked, an organisation's is
not; nothing else about an applicant is said.
"""

from collections.abc import Iterable
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

ALL_EVENTS: Final = "*"


class Event(StrEnum):
    """The events; ``<family>.*`` and ``*`` subscribe to more than one."""

    PUSH_SENT = "push.sent"
    PUSH_CLAIMED = "push.claimed"
    PUSH_OVERDUE = "push.overdue"
    PUSH_ESCALATED = "push.escalated"
    PUSH_FEEDBACK = "push.feedback"
    PUSH_ANSWERED = "push.answered"
    PUSH_ANSWER_OVERDUE = "push.answer_overdue"
    PUSH_LIFTED = "push.lifted"
    POLICY_ISSUED = "policy.issued"
    POLICY_ACKNOWLEDGED = "policy.acknowledged"
    POLICY_OVERDUE = "policy.overdue"
    POLICY_ESCALATED = "policy.escalated"
    FILING_FILED = "filing.filed"
    FILING_ACKNOWLEDGED = "filing.acknowledged"
    FILING_QUESTIONED = "filing.questioned"
    FILING_ANSWERED = "filing.answered"
    FILING_ANSWER_OVERDUE = "filing.answer_overdue"
    FILING_REVIEWED = "filing.reviewed"
    FILING_REMINDED = "filing.reminded"
    CERTIFICATE_ISSUED = "certificate.issued"
    CERTIFICATE_CHANGED = "certificate.changed"
    CERTIFICATE_CANCELLED = "certificate.cancelled"
    CERTIFICATE_REVOKED = "certificate.revoked"
    AUDIT_HEAD = "audit.head"


FAMILIES: Final = ("push", "policy", "filing", "certificate", "audit")
"""What an event's name begins with."""


class _Data(BaseModel):
    model_config = ConfigDict(extra="allow")


class DocumentData(BaseModel):
    """A document of the case; its PDF is at ``GET /documents/{id}``."""

    id: int
    kind: str
    number: str
    sha256: str


class PushData(_Data):
    """审管信息推送单: what was decided, for whom, and the papers."""

    push_id: int
    case_no: str
    to: str
    role: str
    item: str
    item_name: str
    area: str
    mode: str
    decision: str
    decided_at: datetime | None
    closed_at: datetime
    applicant_name: str
    documents: list[DocumentData]
    certificate: str | None
    pushed_at: datetime
    due_at: datetime
    claimed_at: datetime | None


class FeedbackData(_Data):
    """A result of supervision, and the approver's answer to it."""

    push_id: int
    feedback_id: int
    case_no: str
    to: str
    kind: str
    text: str
    given_at: datetime
    answer_due_at: datetime | None
    answer: str
    answered_at: datetime | None
    lifted_at: datetime | None


class PolicyData(_Data):
    """政策文件告知: the document, its items and who has acknowledged it."""

    notice_id: int
    title: str
    level: str
    published_on: date
    items: list[str]
    recipients: list[str]
    acknowledged: list[str]
    issued_at: datetime
    due_at: datetime
    file_sha256: str | None


class FilingData(_Data):
    """县级报备(批): what a county filed with the city unit, and how far that has come."""

    filing_id: int
    case_no: str
    item: str
    area: str
    to: str
    kind: str
    state: str
    decision: str


class CertificateData(_Data):
    """电子证照: a certificate and its state in the city's library."""

    number: str
    case_no: str
    item: str
    name: str
    status: str
    issued_at: datetime
    valid_until: date | None


class AuditHeadData(_Data):
    """The audit chain's newest entry, signed by the product: kept elsewhere it proves what the chain was."""

    id: int
    digest: str
    at: str
    key_id: str
    signature: str


_DATA: Final[dict[str, type[_Data]]] = {
    "push": PushData,
    "policy": PolicyData,
    "filing": FilingData,
    "certificate": CertificateData,
    "audit": AuditHeadData,
}
_FEEDBACK_EVENTS: Final = frozenset(
    {Event.PUSH_FEEDBACK, Event.PUSH_ANSWERED, Event.PUSH_ANSWER_OVERDUE, Event.PUSH_LIFTED}
)


class EventView(BaseModel):
    """One event and the JSON schema of its ``data``."""

    event: str
    description: str
    data_schema: dict[str, Any]


def data_class(event: str) -> type[_Data]:
    """Return the class of an event's data; raise ``ValueError`` for a name that is no event."""
    if event not in set(Event):
        raise ValueError(f"unknown event {event!r}")
    return FeedbackData if event in _FEEDBACK_EVENTS else _DATA[_family(event)]


def is_subscribable(name: str) -> bool:
    """Tell whether an endpoint may ask for ``name``: an event, a family of them, or all."""
    return name == ALL_EVENTS or name in set(Event) or name in {f"{family}.*" for family in FAMILIES}


def wants(subscribed: Iterable[str], event: str) -> bool:
    """Tell whether a subscription covers an event."""
    return not {ALL_EVENTS, event, f"{_family(event)}.*"}.isdisjoint(subscribed)


def catalogue() -> list[EventView]:
    """Return every event with its schema."""
    return [
        EventView(
            event=event.value,
            description=(data_class(event).__doc__ or "").strip(),
            data_schema=data_class(event).model_json_schema(),
        )
        for event in Event
    ]


def _family(event: str) -> str:
    return event.partition(".")[0]
