"""What belongs to a case and is shown with it: materials, opinions, history, papers, process instances."""

from collections.abc import Sequence
from typing import Any

from sqlmodel import Session, select

from models.audit import TimelineEntry
from models.case import Case, Material
from models.document import Certificate, Document
from models.engine_state import ProcessInstance
from models.stored_file import StoredFile
from models.task_outcome import TaskOutcomeStatus
from models.working_calendar import china_date
from services.casefile.views import (
    CertificateView,
    DocumentView,
    InstanceView,
    MaterialView,
    OpinionView,
    TimelineView,
    ToleranceView,
)
from services.clock import product_now
from services.documents import certificates as certificates_of_record
from services.files import binding
from services.journal import task_outcomes


def tolerance(case: Case) -> ToleranceView | None:
    """Return what was missing at acceptance (容缺受理), or None."""
    if case.tolerated_until is None:
        return None
    return ToleranceView(
        materials=case.tolerated_materials or "",
        until=case.tolerated_until,
        supplied_at=case.tolerated_supplied_at,
    )


def materials(session: Session, case_no: str, files: Sequence[StoredFile]) -> list[MaterialView]:
    """Return the materials handed in, by round, with those of the case's files that came with them."""
    with_files = binding.by_material(files)
    rows = session.exec(select(Material).where(Material.case_no == case_no).order_by("round", "position")).all()
    return [
        MaterialView(
            name=one.name,
            copies=one.copies,
            kind=one.kind,
            present=one.present,
            round=one.round,
            files=with_files.get(one.id or 0, []),
        )
        for one in rows
    ]


def opinions(session: Session, case_no: str, files: Sequence[StoredFile]) -> list[OpinionView]:
    """Return what people answered in the case's tasks, oldest first, with the files they handed in."""
    with_files = binding.by_task(files)
    return [
        OpinionView(
            task=one.task_name,
            element_id=one.element_id,
            account=one.account,
            outcome=one.outcome,
            outcome_label=one.outcome_label,
            opinion=one.opinion,
            at=one.decided_at,
            overtaken=one.status is TaskOutcomeStatus.OVERTAKEN,
            files=with_files.get(one.task_key, []),
        )
        for one in task_outcomes.everything(session, case_no)
    ]


def timeline(session: Session, case_no: str) -> list[TimelineView]:
    """Return the case's history."""
    rows = session.exec(select(TimelineEntry).where(TimelineEntry.case_no == case_no).order_by("at", "id")).all()
    return [TimelineView(at=one.at, actor=one.actor, event=one.event, text=one.text) for one in rows]


def documents(session: Session, case_no: str) -> list[DocumentView]:
    """Return the issued documents, without their PDF."""
    listed = (Document.id, Document.kind, Document.number, Document.seal, Document.sha256)
    wanted = (*listed, Document.signed_digest, Document.issued_at)
    rows: Sequence[Any] = session.exec(
        select(*wanted).where(Document.case_no == case_no).order_by("id")  # type: ignore[call-overload]
    ).all()
    return [
        DocumentView(id=key, kind=kind, number=number, seal=seal, sha256=sha256, signed=bool(digest), issued_at=at)
        for key, kind, number, seal, sha256, digest, at in rows
    ]


def certificates(session: Session, case_no: str) -> list[CertificateView]:
    """Return the certificates of the case."""
    rows = session.exec(select(Certificate).where(Certificate.case_no == case_no)).all()
    today = china_date(product_now(session))
    return [
        CertificateView(
            number=one.number,
            name=one.name,
            status=certificates_of_record.state_of(session, one, today).value,
            issued_at=one.issued_at,
            valid_until=one.valid_until,
        )
        for one in rows
    ]


def instances(session: Session, case_no: str) -> list[InstanceView]:
    """Return the process instances of the case."""
    rows = session.exec(select(ProcessInstance).where(ProcessInstance.case_no == case_no).order_by("key")).all()
    return [InstanceView(key=str(one.key), process_id=one.process_id, state=one.state.value) for one in rows]
