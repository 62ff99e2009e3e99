"""A paper is signed by the seal it bears, for every reader to check, and by no seal that may not be used for it."""

import io
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from pypdf import PdfReader
from sqlmodel import Session, select

from models.audit import AuditEntry
from models.catalogue import Mode
from models.database import Database
from models.signature import ElectronicSeal, SealState, SealUse, UseOutcome
from papers import Paper, acceptance, render_to_sign
from papers.signable import GapTooSmall, SignatureGap
from services.clock import machine_now
from services.errors import SetupError
from services.signatures import authority, registry, sealing, trust
from services.signatures.importing import import_seal
from services.signatures.registry import Purpose, Refusal, SealRefused
from services.signatures.sealing import SealedPaper
from settings import get_settings
from tests.databases import Databases, new
from tests.factories.papers import ACCEPTED, facts
from tests.factories.signatures import ForeignAuthority, judged

NUMBER = "赣市县同权（兴国县）受〔2026〕00012号"
PURPOSE = Purpose("S-28", Mode.SUBSTANTIVE)
PASSPHRASE = b"a passphrase"


@pytest.fixture
def database(databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    monkeypatch.setenv("TONGQUAN_STATE_DIR", str(tmp_path))
    get_settings.cache_clear()
    with new(databases, tmp_path) as opened:
        yield opened
    get_settings.cache_clear()


def paper() -> Paper:
    return acceptance.acceptance_notice(facts(), NUMBER, ACCEPTED)


def sealed(session: Session, purpose: Purpose = PURPOSE) -> SealedPaper:
    return sealing.seal_paper(session, paper(), "3607322026092100012", "受理通知书", purpose)


def seal_of(session: Session) -> ElectronicSeal:
    return session.exec(select(ElectronicSeal)).one()


def one_byte_changed(pdf: bytes) -> bytes:
    """Return a file with one byte of its first page's content changed."""
    place = pdf.index(b"stream\n") + 40
    return pdf[:place] + bytes([pdf[place] ^ 1]) + pdf[place + 1 :]


def test_a_stock_validator_finds_the_signature_and_its_timestamp_valid(database: Database) -> None:
    with database.transaction() as session:
        pdf = sealed(session).pdf
        roots = trust.roots(session)
    found = judged(pdf, roots)
    assert found.bottom_line, found.pretty_print_details()
    assert found.coverage.name == "ENTIRE_FILE"
    assert found.timestamp_validity.valid
    assert found.timestamp_validity.trusted
    assert found.signing_cert.subject.native["common_name"] == paper().seal


def test_a_stock_validator_without_the_root_does_not_trust_it(database: Database) -> None:
    foreign = ForeignAuthority.new()
    with database.transaction() as session:
        pdf = sealed(session).pdf
    found = judged(pdf, foreign.root.public_bytes(Encoding.PEM).decode())
    assert found.valid
    assert not found.trusted


def test_after_one_changed_byte_the_signature_is_broken(database: Database) -> None:
    with database.transaction() as session:
        pdf = sealed(session).pdf
        roots = trust.roots(session)
    assert not judged(one_byte_changed(pdf), roots).intact


@pytest.mark.skipif(shutil.which("pdfsig") is None, reason="Poppler's pdfsig is not installed")
def test_poppler_says_valid_and_after_one_byte_broken(database: Database, tmp_path: Path) -> None:
    with database.transaction() as session:
        pdf = sealed(session).pdf
    told = {}
    for name, content in (("whole", pdf), ("changed", one_byte_changed(pdf))):
        file = tmp_path / f"{name}.pdf"
        file.write_bytes(content)
        told[name] = subprocess.run(["pdfsig", file], capture_output=True, text=True, timeout=120, check=False).stdout
    assert "Signature is Valid" in told["whole"]
    assert "Total document signed" in told["whole"]
    assert "Signature is Valid" not in told["changed"]
    assert "Digest Mismatch" in told["changed"]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="OpenSSL's command is not installed")
def test_openssl_verifies_the_signature_taken_out_of_the_file(database: Database, tmp_path: Path) -> None:
    with database.transaction() as session:
        pdf = sealed(session).pdf
        (tmp_path / "roots.pem").write_text(trust.roots(session))
    start = pdf.index(b"/Contents <") + len(b"/Contents <")
    end = pdf.index(b">", start)
    (tmp_path / "signature.der").write_bytes(bytes.fromhex(pdf[start:end].decode()))
    (tmp_path / "content").write_bytes(pdf[: start - 1] + pdf[end + 1 :])
    command = ["openssl", "cms", "-verify", "-inform", "DER", "-in", "signature.der", "-content", "content", "-binary"]
    command += ["-CAfile", "roots.pem", "-purpose", "any", "-out", "verified"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_the_seal_is_the_face_of_the_signature_where_it_is_printed(database: Database) -> None:
    with database.transaction() as session:
        page = PdfReader(io.BytesIO(sealed(session).pdf)).pages[0]
    (field,) = (one.get_object() for one in page["/Annots"])
    left, bottom, right, top = (float(one) for one in field["/Rect"])
    assert (field["/FT"], field["/Subtype"]) == ("/Sig", "/Widget")
    assert right - left == pytest.approx(top - bottom)
    assert left > float(page.mediabox.width) / 2, "the seal stands over the signatory, at the right"
    drawn = field["/AP"]["/N"].get_data()
    assert b" Tf" in drawn, "the organ's name is drawn"
    assert b" .83 .07 .09 rg" in drawn.replace(b"\n", b" "), "in red"


def test_a_use_is_kept_with_the_certificate_that_signed(database: Database) -> None:
    with database.transaction() as session:
        sealed(session)
    with database.reading() as session:
        (use,) = session.exec(select(SealUse)).all()
        certificate = authority.read_certificates(seal_of(session).certificates)[0]
    assert (use.outcome, use.number, use.seal) == (UseOutcome.SEALED, NUMBER, paper().seal)
    assert use.serial == f"{certificate.serial_number:x}"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"state": SealState.SUSPENDED, "suspended_for": "印章遗失"}, Refusal.SUSPENDED),
        ({"valid_until": machine_now()}, Refusal.EXPIRED),
        ({"valid_from": machine_now() + timedelta(days=1)}, Refusal.NOT_YET_VALID),
        ({"items": ["S-29"]}, Refusal.OTHER_ITEM),
        ({"modes": [Mode.WINDOW.value]}, Refusal.OTHER_MODE),
    ],
)
def test_a_seal_without_the_right_is_refused_and_the_attempt_kept(
    database: Database, changes: dict[str, Any], reason: Refusal
) -> None:
    with database.transaction() as session:
        sealed(session)
        for name, value in changes.items():
            setattr(seal_of(session), name, value)
    with pytest.raises(SealRefused) as refused, database.transaction() as session:
        sealed(session)
    assert refused.value.reason is reason
    assert paper().seal in refused.value.detail
    assert registry.PAGE in refused.value.detail
    with database.reading() as session:
        first, attempt = session.exec(select(SealUse).order_by("id")).all()
        audited = session.exec(select(AuditEntry).where(AuditEntry.action == "seal.refused")).one()
    assert (first.outcome, attempt.outcome, attempt.reason) == (UseOutcome.SEALED, UseOutcome.REFUSED, reason)
    assert (audited.subject, audited.detail["reason"]) == (paper().seal, reason)


def test_a_seal_nobody_registered_is_refused_where_seals_must_be(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TONGQUAN_SEALS", "registered")
    get_settings.cache_clear()
    with pytest.raises(SealRefused, match="没有登记"), database.transaction() as session:
        sealed(session)
    with database.transaction() as session:
        registry.make(session, paper().seal, "兴国县")
        sealed(session)


def test_an_imported_certificate_signs_with_its_chain_and_its_root_is_offered(database: Database) -> None:
    foreign = ForeignAuthority.new()
    with database.transaction() as session:
        former = sealed(session).pdf
        import_seal(session, paper().seal, "兴国县", foreign.p12("兴国县窗口", PASSPHRASE), PASSPHRASE)
        pdf = sealed(session).pdf
        roots = trust.roots(session)
    assert roots.count("BEGIN CERTIFICATE") == 2
    for one, name in ((pdf, "兴国县窗口"), (former, paper().seal)):
        found = judged(one, roots)
        assert found.bottom_line, found.pretty_print_details()
        assert found.signing_cert.subject.native["common_name"] == name


@pytest.mark.parametrize(
    ("changes", "passphrase", "words"),
    [
        ({}, b"wrong", "打不开"),
        ({"whole": False}, PASSPHRASE, "证书链不完整"),
        ({"days": -1}, PASSPHRASE, "不在有效期内"),
        ({"key": ec.generate_private_key(ec.SECP384R1())}, PASSPHRASE, "P-256"),
    ],
)
def test_a_certificate_that_could_not_sign_is_not_imported(
    database: Database, changes: dict[str, Any], passphrase: bytes, words: str
) -> None:
    file = ForeignAuthority.new().p12("兴国县窗口", PASSPHRASE, **changes)
    with pytest.raises(SetupError, match=words), database.transaction() as session:
        import_seal(session, paper().seal, "兴国县", file, passphrase)


def test_a_signature_too_large_for_its_gap_is_no_broken_file() -> None:
    signable = render_to_sign(paper(), SignatureGap("章", ACCEPTED, "受理通知书", 8))
    with pytest.raises(GapTooSmall):
        signable.with_signature(bytes(9))


def test_a_paper_without_a_seal_is_not_signed() -> None:
    with pytest.raises(ValueError, match="no seal"):
        render_to_sign(replace(paper(), seal=""), SignatureGap("章", ACCEPTED, "受理通知书", 8))
