"""Documents are issued once, numbered without gaps, signed, and sealed by the organ that decides."""

import base64
import hashlib
import io
import re
import stat
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from pypdf import PdfReader
from sqlmodel import Session, select

import models  # noqa: F401
from models.account import Account
from models.case import (
    Applicant,
    ApplicantKind,
    Case,
    CaseState,
    IdentityType,
    LimitUnit,
    Material,
    MaterialKind,
    Verdict,
)
from models.catalogue import Area, AreaKind, CountyUnit, Government, GuideVersion, Mode, Unit
from models.document import Certificate, CertificateStatus, Document, DocumentKind
from models.special_procedure import Extension, SpecialKind, SpecialProcedure
from papers.delivery import ServiceFact
from services import numbering
from services.documents import case_facts, issuance, signing
from services.errors import NotFound, SetupError
from settings import Environment, Settings, get_settings
from tests.databases import Databases, new
from tests.factories.cases import build_case
from tests.factories.papers import ACCEPTED, DECIDED, RECEIVED

CASE_NO = "3607322026092100001"
APPROVAL = {"decisionTitle": "准予行政许可决定书", "resultPhrase": "准予行政许可", "certificate": True}
DENIAL = {"decisionTitle": "不予行政许可决定书", "resultPhrase": "不予行政许可", "certificate": False}


@pytest.fixture
def session(databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setenv("TONGQUAN_STATE_DIR", str(tmp_path))
    monkeypatch.delenv("TONGQUAN_SIGNING_KEY", raising=False)
    get_settings.cache_clear()
    signing.forget_key()
    with new(databases, tmp_path) as database, database.transaction() as opened:
        _seed(opened)
        yield opened
    get_settings.cache_clear()
    signing.forget_key()


def _seed(session: Session) -> None:
    session.add(Area(code="xingguo", name="兴国县", kind=AreaKind.COUNTY, division_code="360732", position=14))
    session.add(
        Area(
            code="rongjiang",
            name="蓉江新区",
            kind=AreaKind.ZONE,
            division_code="3607Z2",
            pseudo_code=True,
            position=20,
        )
    )
    session.add(Unit(code="xzsp", name="市行政审批局", deciding=True, position=1))
    session.add(Unit(code="zrzy", name="市自然资源局", deciding=True, position=2))
    for area, code, name in (("xingguo", "cjdw", "县级承接单位"), ("rongjiang", "zrzy", "区自然资源分局")):
        session.add(
            CountyUnit(
                area=area,
                code=code,
                name=name,
                reviewer_group=f"{area}.reviewer",
                handles=["xzsp", "zrzy"],
                assumed=True,
                position=1,
            )
        )
    session.add(Account(username="xingguo.window", display_name="兴国县窗口甲", password_hash="-"))
    session.flush()


def make_case(session: Session, **changes: Any) -> Case:
    """Add a decided licence case of the substantive mode, changed as asked, with its guide and applicant."""
    certificate = changes.pop("certificate", True)
    effect = changes.pop("effect", "issue")
    values: dict[str, Any] = {
        "case_no": CASE_NO,
        "query_code": "7KQM2XWA",
        "item_code": "S-28",
        "item_version": 1,
        "guide_version": 1,
        "item_name": "燃气经营许可证核发（变更）",
        "mode": Mode.SUBSTANTIVE,
        "power_kind": "license",
        "power_type": "行政许可",
        "area": "xingguo",
        "city_unit": "xzsp",
        "project": "城南管网",
        "applicant_digest": "d",
        "submitted_by": "xingguo.window",
        "state": CaseState.ACCEPTED,
        "received_at": RECEIVED,
        "accepted_at": ACCEPTED,
        "decision": Verdict.APPROVE,
        "decided_at": DECIDED,
        "limit_days": 20,
        "promised_days": 7,
        "limit_unit": LimitUnit.WORKING_DAY,
        "due_at": DECIDED + timedelta(days=12),
        "process_id": "substantive-review",
    }
    case = build_case(**{**values, **changes})
    session.add(case)
    session.flush()
    session.add(
        Applicant(
            case_no=case.case_no,
            kind=ApplicantKind.PERSON,
            name="欧阳小明",
            id_type=IdentityType.ID_CARD,
            id_number="362101199003078888",
            phone="13912341234",
        )
    )
    session.add(
        Material(case_no=case.case_no, position=1, name="申请表", copies=2, kind=MaterialKind.ORIGINAL, present=True)
    )
    pending = {"text": "待市级单位填报", "pending": True}
    result = {"name": "燃气经营许可证", "certificate": certificate, "effect": effect, "assumed": True}
    body = {"basis": pending, "fees": pending, "result": result, "limits": {"assumed": True}}
    session.add(GuideVersion(code=case.item_code, version=1, body=body))
    session.flush()
    return case


def approve(session: Session, case: Case, **changes: Any) -> Document:
    arguments = {"wording": APPROVAL, **changes}
    return issuance.issue_decision(session, case, Verdict.APPROVE, opinion="符合条件", at=DECIDED, **arguments)


def text_of(document: Document) -> str:
    pages = PdfReader(io.BytesIO(document.pdf)).pages
    return "".join("".join(page.extract_text() for page in pages).split())


def test_numbers_run_without_gap_under_each_prefix(session: Session) -> None:
    assert [numbering.next_number(session, "a") for _ in range(3)] == [1, 2, 3]
    assert numbering.next_number(session, "b") == 1


def test_a_second_call_returns_the_first_document_unchanged(session: Session) -> None:
    case = make_case(session)
    first = issuance.issue_acceptance_notice(session, case, ACCEPTED)
    digest = first.sha256
    case.project = "改名之后"
    again = issuance.issue_acceptance_notice(session, case, DECIDED)
    assert (again.id, again.sha256, again.issued_at) == (first.id, digest, ACCEPTED)
    assert len(session.exec(select(Document)).all()) == 1


def test_the_digest_and_the_signature_cover_the_stored_pdf(session: Session) -> None:
    document = issuance.issue_receipt(session, make_case(session), RECEIVED)
    assert document.sha256 == hashlib.sha256(document.pdf).hexdigest()
    assert signing.verify(document.pdf, document.signature)
    assert not signing.verify(document.pdf + b" ", document.signature)


def test_documents_hide_the_middle_of_a_persons_numbers(session: Session) -> None:
    text = text_of(issuance.issue_acceptance_notice(session, make_case(session), ACCEPTED))
    assert "362101199003078888" not in text
    assert "13912341234" not in text
    assert "欧阳小明" in text


@pytest.mark.parametrize(
    ("mode", "organ", "seal", "series"),
    [
        (Mode.DIRECT, "兴国县行政审批局", "兴国县行政审批局受理专用章", "兴国县行政审批局"),
        (Mode.SUBSTANTIVE, "兴国县行政审批局", "兴国县行政审批局受理专用章", "兴国县行政审批局"),
        (Mode.WINDOW, "赣州市行政审批局", "赣州市行政审批局受理专用章（兴国县）", "赣州市行政审批局驻兴国县窗口"),
    ],
)
def test_what_the_window_issues_is_the_paper_of_the_organ_that_accepts(
    session: Session, mode: Mode, organ: str, seal: str, series: str
) -> None:
    document = issuance.issue_receipt(session, make_case(session, mode=mode), RECEIVED)
    assert (document.body["issuer"], document.body["signatory"], document.seal) == (organ, organ, seal)
    assert document.number == f"赣市县同权（{series}）收〔2026〕00001号"
    assert "兴国县窗口甲" in text_of(document)


@pytest.mark.parametrize(
    ("mode", "respondent", "government"),
    [
        (Mode.DIRECT, "兴国县行政审批局", "兴国县人民政府"),
        (Mode.SUBSTANTIVE, "兴国县行政审批局", "兴国县人民政府"),
        (Mode.WINDOW, "赣州市行政审批局", "赣州市人民政府"),
    ],
)
def test_a_refusal_to_accept_is_challenged_where_its_signatory_answers(
    session: Session, mode: Mode, respondent: str, government: str
) -> None:
    document = issuance.issue_refusal_to_accept(session, make_case(session, mode=mode), "不属职权", ACCEPTED)
    assert document.body["signatory"] == respondent
    assert f"六十日内向{government}申请行政复议" in text_of(document)


@pytest.mark.parametrize("mode", sorted(Mode))
@pytest.mark.parametrize("taken_over_at", [None, ACCEPTED])
@pytest.mark.parametrize("level", [0, 1])
def test_no_paper_names_a_respondent_whose_acts_another_government_reconsiders(
    session: Session, mode: Mode, taken_over_at: datetime | None, level: int
) -> None:
    case = make_case(session, mode=mode, taken_over_at=taken_over_at, level=level)
    facts = case_facts.gather(session, case)
    expected = {"兴国县行政审批局": ("兴国县人民政府",), "赣州市行政审批局": ("赣州市人民政府",)}
    assert {one.organ: one.reconsidered_by for one in facts.issuers.values()}.items() <= expected.items()
    assert all(one.seal.startswith(one.organ) for one in facts.issuers.values())
    assert all(one.series.startswith(one.organ) for one in facts.issuers.values())


def test_a_branch_of_a_city_bureau_answers_to_the_city_or_the_district(session: Session) -> None:
    unit = session.exec(select(CountyUnit).where(CountyUnit.area == "xingguo")).one()
    unit.name, unit.belongs_to, unit.paper_name = "县生态环境局", Government.CITY, "赣州市兴国生态环境局"
    document = issuance.issue_refusal_to_accept(session, make_case(session), "不属职权", ACCEPTED)
    assert document.body["signatory"] == "赣州市兴国生态环境局"
    assert "向赣州市人民政府或者兴国县人民政府申请行政复议" in text_of(document)


@pytest.mark.parametrize("mode", sorted(Mode))
def test_after_a_recall_every_paper_is_the_citys_and_names_no_mode(session: Session, mode: Mode) -> None:
    case = make_case(session, mode=mode, taken_over_at=ACCEPTED + timedelta(days=1), level=1)
    facts = case_facts.gather(session, case)
    assert {one.organ for one in facts.issuers.values()} == {"赣州市行政审批局"}
    document = approve(session, case)
    assert document.number == "赣市县同权（赣州市行政审批局）准〔2026〕00001号"
    text = text_of(document)
    assert not any(one.label in text for one in Mode)
    assert "权限已收回" in text


def test_a_handover_tells_the_new_organ_and_the_new_way_of_redress_once(session: Session) -> None:
    case = make_case(session, mode=Mode.DIRECT, decision=None, decided_at=None)
    former = case_facts.former_organ(session, case)
    case.taken_over_at, case.level = DECIDED, 1
    document = issuance.issue_handover_notice(session, case, former, "权限收回", DECIDED, "recall-1")
    assert issuance.issue_handover_notice(session, case, former, "权限收回", DECIDED, "recall-1") is document
    text = text_of(document)
    assert "由兴国县行政审批局移送赣州市行政审批局接续办理" in text
    assert "六十日内向赣州市人民政府申请行政复议" in text
    assert (document.body["signatory"], document.seal) == ("赣州市行政审批局", "赣州市行政审批局业务专用章")


def test_a_supplement_gets_a_receipt_of_its_own(session: Session) -> None:
    case = make_case(session)
    first = issuance.issue_receipt(session, case, RECEIVED)
    session.add(
        Material(case_no=CASE_NO, round=1, position=1, name="补正材料", copies=1, kind=MaterialKind.COPY, present=True)
    )
    second = issuance.issue_receipt(session, case, ACCEPTED)
    assert second.id != first.id
    assert "补正材料" in text_of(second)


@pytest.mark.parametrize("mode", sorted(Mode.decided_by_city()))
def test_a_city_decision_bears_the_citys_approval_seal(session: Session, mode: Mode) -> None:
    document = approve(session, make_case(session, mode=mode))
    assert document.seal == "赣州市行政审批局市级审批专用章"
    assert document.kind == DocumentKind.GRANT


def test_a_direct_decision_is_the_countys_and_redress_goes_to_its_government(session: Session) -> None:
    case = make_case(session, mode=Mode.DIRECT, item_code="D-05", decision=Verdict.DENY)
    document = issuance.issue_decision(session, case, Verdict.DENY, DENIAL, "条件不符", DECIDED)
    assert document.seal == "兴国县行政审批局县级审批专用章"
    text = text_of(document)
    assert "六十日内向兴国县人民政府申请行政复议" in text
    assert "条件不符" in text


def test_a_zone_has_no_government_so_the_city_reviews(session: Session) -> None:
    case = make_case(session, mode=Mode.DIRECT, area="rongjiang", city_unit="zrzy", decision=Verdict.DENY)
    document = issuance.issue_decision(session, case, Verdict.DENY, DENIAL, "", DECIDED)
    assert document.seal == "蓉江新区自然资源分局县级审批专用章"
    assert "向赣州市人民政府申请行政复议" in text_of(document)


def test_a_filing_keeps_its_words_even_if_the_table_calls_it_a_licence(session: Session) -> None:
    case = make_case(session, power_kind="filing", power_type="其他行政权力-备案", item_name="招标备案")
    document = approve(session, case)
    assert document.kind == DocumentKind.FILING
    assert document.body["title"] == "备案通知书"
    assert document.body["certificate_number"] is None
    assert issuance.issue_certificate(session, case, DECIDED) is None


def test_the_models_title_is_obeyed(session: Session) -> None:
    case = make_case(session, power_kind="other", power_type="其他行政权力-其他", certificate=False, effect="none")
    wording = {"decisionTitle": "准予办理决定书", "resultPhrase": "准予办理"}
    document = approve(session, case, wording=wording)
    assert document.kind == DocumentKind.OTHER_GRANT
    assert "准予办理决定书" in text_of(document)


def test_the_certificate_has_the_number_the_decision_names(session: Session) -> None:
    case = make_case(session)
    decided = approve(session, case)
    certificate = issuance.issue_certificate(session, case, DECIDED)
    assert certificate is not None
    assert certificate.number == decided.body["certificate_number"]
    assert re.fullmatch(r"GZ360732-S28-2026-00001-[2-9A-HJKMNP-Z]{8}", certificate.number)
    assert certificate.number in text_of(decided)
    assert issuance.issue_certificate(session, case, DECIDED) is certificate
    kinds = [one.kind for one in session.exec(select(Document)).all()]
    assert kinds.count(DocumentKind.CERTIFICATE) == 1


@pytest.mark.parametrize(
    "changes", [{"decision": Verdict.DENY}, {"certificate": False}, {"effect": "cancel"}, {"decision": None}]
)
def test_no_certificate_without_an_approval_that_yields_one(session: Session, changes: dict[str, Any]) -> None:
    assert issuance.issue_certificate(session, make_case(session, **changes), DECIDED) is None


def test_anyone_can_check_a_certificate_and_sees_no_full_name(session: Session) -> None:
    certificate = issuance.issue_certificate(session, make_case(session), DECIDED)
    assert certificate is not None
    session.flush()
    session.expire(certificate)
    check = issuance.verify_certificate(session, certificate.number)
    assert (check.status, check.signature_valid) == (CertificateStatus.VALID, True)
    assert check.holder == "欧***"
    assert check.issuer == "赣州市行政审批局"


@pytest.mark.parametrize(
    ("field", "value"),
    [("holder", "别人"), ("name", "采矿许可证"), ("valid_until", DECIDED.date()), ("signature", "AAAA")],
)
def test_a_tampered_certificate_fails_its_check(session: Session, field: str, value: Any) -> None:
    certificate = issuance.issue_certificate(session, make_case(session), DECIDED)
    assert certificate is not None
    setattr(certificate, field, value)
    session.flush()
    assert not issuance.verify_certificate(session, certificate.number).signature_valid


def test_a_cancelled_certificate_says_so(session: Session) -> None:
    certificate = issuance.issue_certificate(session, make_case(session), DECIDED)
    assert certificate is not None
    session.get_one(Certificate, certificate.number).status = CertificateStatus.CANCELLED
    check = issuance.verify_certificate(session, certificate.number)
    assert (check.status, check.status_name, check.signature_valid) == ("cancelled", "已注销", True)


def test_an_unknown_certificate_and_document_are_not_found(session: Session) -> None:
    with pytest.raises(NotFound):
        issuance.verify_certificate(session, "GZ-none")
    with pytest.raises(NotFound):
        issuance.get_document(session, 4711)


def test_delivery_lists_the_decision_and_the_certificate(session: Session) -> None:
    case = make_case(session)
    issuance.issue_receipt(session, case, RECEIVED)
    decided = approve(session, case)
    certificate = issuance.issue_certificate(session, case, DECIDED)
    assert certificate is not None
    text = text_of(issuance.record_delivery(session, case, ServiceFact("邮寄送达", DECIDED.date()), DECIDED))
    assert decided.number in text
    assert certificate.number in text
    assert "邮寄送达" in text
    assert "材料接收凭证" not in text


def test_every_other_paper_is_issued_once(session: Session) -> None:
    case = make_case(session)
    special = SpecialProcedure(
        id="abc",
        case_no=CASE_NO,
        kind=SpecialKind.EXPERT_REVIEW,
        planned_days=15,
        reason="复杂",
        begun_by="city.xzsp.reviewer",
        begun_at=ACCEPTED,
        planned_end_at=DECIDED,
    )
    extension = Extension(
        case_no=CASE_NO, days=10, reason="复杂", approved_by="city.xzsp.approver", approved_at=DECIDED
    )

    def issue_all() -> list[int | None]:
        issued = [
            issuance.issue_correction_notice(session, case, ["申请表"], "", DECIDED, ACCEPTED),
            issuance.issue_refusal_to_accept(session, case, "不属职权", ACCEPTED),
            issuance.issue_not_needed(session, case, "", ACCEPTED),
            issuance.issue_termination(session, case, "申请人撤回申请", DECIDED),
            issuance.issue_special_procedure_notice(session, case, special, ACCEPTED, provisional=False),
            issuance.issue_extension_notice(session, case, extension, DECIDED),
            issuance.record_delivery(session, case, ServiceFact("窗口领取", DECIDED.date()), DECIDED),
        ]
        assert all(one.number.startswith("赣市县同权（") and one.seal for one in issued)
        return [one.id for one in issued]

    first = issue_all()
    assert issue_all() == first
    assert len(set(first)) == len(first)
    notices = {DocumentKind.SPECIAL_PROCEDURE, DocumentKind.EXTENSION}
    seals = {one.seal for one in issuance.of_case(session, case.case_no) if one.kind in notices}
    assert seals == {"赣州市行政审批局业务专用章", "兴国县行政审批局业务专用章"}, "the stage's organ, and the city's"


def test_each_round_of_a_dossier_is_a_paper_of_its_own(session: Session) -> None:
    case = make_case(session)
    body = {
        "opinion": {"outcome": "agree", "text": "符合条件", "values": {}},
        "reviewers": [{"account": "xingguo.window", "at": ACCEPTED.isoformat()}],
        "on_site_check": {"findings": "现场通道畅通", "account": "xingguo.window", "at": ACCEPTED.isoformat()},
        "materials": [{"name": "申请表", "sha256": "ab" * 32}],
        "signature": {"account": "xingguo.window", "at": DECIDED.isoformat(), "opinion": "同意转报"},
        "digest": "cd" * 32,
    }
    first = issuance.issue_dossier(session, case, {**body, "round": 1}, DECIDED)
    second = issuance.issue_dossier(session, case, {**body, "round": 2}, DECIDED)
    assert first.id != second.id
    assert first.seal == "兴国县行政审批局审核专用章"
    text = text_of(second)
    for needed in ("第2次转报", "符合条件", "现场通道畅通", "同意转报", "兴国县窗口甲", "abababab"):
        assert needed in text
    assert issuance.issue_dossier(session, case, {"round": 3}, DECIDED).id is not None


def test_development_makes_one_key_that_only_its_owner_reads(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path)
    first = signing.load_key(settings).private_bytes_raw()
    assert signing.load_key(settings).private_bytes_raw() == first
    kept = list((tmp_path / "keys").iterdir())
    assert [path.name for path in kept] == ["signing.key"]
    assert stat.S_IMODE(kept[0].stat().st_mode) == 0o600


def test_production_refuses_to_run_without_a_key_or_with_a_malformed_one(tmp_path: Path) -> None:
    production: dict[str, Any] = {"environment": Environment.PRODUCTION, "state_dir": tmp_path}
    with pytest.raises(SetupError):
        signing.load_key(Settings(**production))
    for wrong in ("no base64!", base64.b64encode(b"short").decode()):
        with pytest.raises(SetupError):
            signing.load_key(Settings(**production, signing_key=SecretStr(wrong)))
    right = SecretStr(base64.b64encode(b"k" * 32).decode())
    assert signing.load_key(Settings(**production, signing_key=right)).private_bytes_raw() == b"k" * 32
    assert not (tmp_path / "keys").exists()


def test_a_malformed_signature_is_simply_invalid(session: Session) -> None:
    assert len(signing.key_id()) == signing.KEY_ID_LENGTH
    for wrong in ("", "*", "ß", "A" * 86):
        assert not signing.verify(b"content", wrong)
