"""The city signs for the dossier the county sent, or not at all."""
# ruff: noqa: F401, F811 - pytest takes the imported fixture by its name.

import hashlib
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select

from connectors.storage import BlobStore, store_at
from models.canonical_json import digest_of
from models.case import Case
from models.catalogue import Mode
from models.dossier import TransferDossier
from models.group import AUDIT_ADMINISTRATOR
from models.notification import Notification
from models.stored_file import StoredFile
from services.cases import dossier_receipt
from services.clock import product_now
from tests.factories.powers import actor, add_case, session

CONTENT = b"%PDF-1.7 business licence"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
RECEIVER = actor("city.zrzy.reviewer")


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    """Return a store with the content of one file."""
    source = tmp_path / "source"
    source.write_bytes(CONTENT)
    made = store_at(tmp_path / "files")
    made.put(SHA256, source)
    return made


@pytest.fixture
def case(session: Session) -> Case:
    """Return a case whose dossier lists one file."""
    made, now = add_case(session, mode=Mode.SUBSTANTIVE), product_now(session)
    session.add(
        StoredFile(
            id="f1",
            name="营业执照.pdf",
            media_type="application/pdf",
            size=len(CONTENT),
            sha256=SHA256,
            uploaded_by="xingguo.window",
            uploaded_at=now,
            case_no=made.case_no,
        )
    )
    body: dict[str, Any] = {"materials": [{"name": "营业执照", "files": [{"id": "f1", "sha256": SHA256}]}]}
    session.add(
        TransferDossier(
            case_no=made.case_no,
            round=1,
            body=body,
            digest=digest_of(body),
            forwarded_by="xingguo.chief",
            forwarded_at=now,
        )
    )
    session.flush()
    return made


def dossier_of(session: Session, case: Case) -> TransferDossier:
    return session.exec(select(TransferDossier).where(TransferDossier.case_no == case.case_no)).one()


def test_what_was_sent_comes_whole(session: Session, case: Case, store: BlobStore) -> None:
    found = dossier_receipt.verify(session, store, case.case_no)
    assert (found.whole, found.files, found.digest) == (True, 1, dossier_of(session, case).digest)


def test_a_changed_list_is_noticed(session: Session, case: Case, store: BlobStore) -> None:
    dossier_of(session, case).body = {"materials": []}
    assert not dossier_receipt.verify(session, store, case.case_no).whole


def test_changed_and_missing_files_are_noticed(session: Session, case: Case, store: BlobStore, tmp_path: Path) -> None:
    kept = tmp_path / "files" / SHA256[:2] / SHA256[2:]
    kept.chmod(0o600)
    kept.write_bytes(CONTENT + b" ")
    assert dossier_receipt.verify(session, store, case.case_no).damaged == ("f1",)
    store.delete(SHA256)
    assert dossier_receipt.verify(session, store, case.case_no).damaged == ("f1",)


def test_a_file_swapped_for_another_is_noticed(session: Session, case: Case, store: BlobStore) -> None:
    session.get_one(StoredFile, "f1").sha256 = "0" * 64
    assert dossier_receipt.verify(session, store, case.case_no).damaged == ("f1",)


def test_the_auditors_are_told_of_a_damaged_dossier_once(session: Session, case: Case, store: BlobStore) -> None:
    store.delete(SHA256)
    for _ in range(2):
        dossier_receipt.note(session, RECEIVER, case.case_no, dossier_receipt.verify(session, store, case.case_no))
    told = session.exec(select(Notification).where(Notification.signal == dossier_receipt.SIGNAL)).all()
    assert [one.to_group for one in told] == [AUDIT_ADMINISTRATOR.name]
