"""A case that acts on a certificate names one it can act on; a renewal is told whether it comes in time."""

from datetime import date, datetime

import pytest
from freezegun import freeze_time
from sqlmodel import Session, select

from models.audit import TimelineEntry
from models.case import CaseState, Verdict
from models.certificate import CertificateState
from models.database import CHINA
from models.document import CertificateStatus
from services.certificates import naming
from services.certificates.naming import CertificateNotValid, CertificateRequired, DeemedRenewed
from services.documents import certificates
from services.errors import InvalidInput
from tests.factories.certificates import HOLDER, STRANGER, approved, close, issued, submitted
from tests.factories.certificates import session as session

UNTIL = {"valid_until": "2026-12-31"}
IN_TIME = datetime(2026, 12, 1, 9, tzinfo=CHINA)
LATE = datetime(2026, 12, 2, 9, tzinfo=CHINA)
AFTER = datetime(2027, 1, 4, 9, tzinfo=CHINA)


@pytest.mark.parametrize("item", ["W-26", "W-28", "W-29", "W-30"])
def test_an_item_that_acts_on_a_certificate_needs_one(session: Session, item: str) -> None:
    with pytest.raises(CertificateRequired):
        submitted(session, item)
    case = submitted(session, item, issued(session).number)
    told = session.exec(select(TimelineEntry.text).where(TimelineEntry.case_no == case.case_no)).all()
    assert any(case.certificate_number in one for one in told if case.certificate_number)


def test_an_item_that_issues_one_takes_none(session: Session) -> None:
    with pytest.raises(InvalidInput, match="不针对已有证照"):
        submitted(session, "W-25", issued(session).number)


def test_a_certificate_must_be_known_of_the_family_and_the_applicants_own(session: Session) -> None:
    number = issued(session).number
    with pytest.raises(CertificateNotValid, match="没有编号"):
        submitted(session, "W-28", number[:-1])
    with pytest.raises(CertificateNotValid, match="不属于本事项"):
        submitted(session, "W-34", number)
    with pytest.raises(CertificateNotValid, match="持证人不是本申请人"):
        submitted(session, "W-28", number, holder=STRANGER)
    assert submitted(session, "W-28", number, holder=HOLDER).certificate_number == number


def test_one_open_case_at_a_time_acts_on_a_certificate(session: Session) -> None:
    number = issued(session).number
    first = submitted(session, "W-28", number)
    with pytest.raises(CertificateNotValid) as refused:
        submitted(session, "W-30", number)
    assert refused.value.extra == {"case_no": first.case_no}
    close(session, first, CaseState.WITHDRAWN)
    submitted(session, "W-30", number)


def test_a_certificate_that_ended_cannot_be_acted_on(session: Session) -> None:
    certificate = issued(session)
    changed = approved(session, submitted(session, "W-28", certificate.number))
    assert changed is not None
    with pytest.raises(CertificateNotValid, match="已变更"):
        submitted(session, "W-28", certificate.number)
    approved(session, submitted(session, "W-30", changed.number))
    with pytest.raises(CertificateNotValid, match="已注销"):
        submitted(session, "W-29", changed.number)


def test_a_certificate_that_ended_meanwhile_stops_the_approval_and_not_the_denial(session: Session) -> None:
    certificate = issued(session)
    case = submitted(session, "W-28", certificate.number)
    certificate.status = CertificateStatus.REVOKED
    session.flush()
    with pytest.raises(CertificateNotValid, match="已撤销"):
        naming.require_still_usable(session, case, Verdict.APPROVE.value)
    naming.require_still_usable(session, case, Verdict.DENY.value)


def test_an_expired_certificate_can_be_cancelled_and_nothing_else(session: Session) -> None:
    certificate = issued(session, **UNTIL)
    with freeze_time(AFTER):
        for item in ("W-26", "W-28", "W-29"):
            with pytest.raises(CertificateNotValid, match="已过期"):
                submitted(session, item, certificate.number)
        approved(session, submitted(session, "W-30", certificate.number), at=AFTER)
    assert certificate.status is CertificateStatus.CANCELLED


def test_a_renewal_in_time_keeps_the_certificate_valid_until_it_is_decided(session: Session) -> None:
    certificate = issued(session, **UNTIL)
    with freeze_time(IN_TIME):
        case = submitted(session, "W-26", certificate.number)
    after = date(2027, 1, 4)
    assert certificates.state_of(session, certificate, after) is CertificateState.VALID
    assert certificates.is_deemed_renewed(session, certificate, after)
    assert not certificates.is_deemed_renewed(session, certificate, date(2026, 12, 31))
    with freeze_time(AFTER):
        with pytest.raises(DeemedRenewed):
            naming.require_still_usable(session, case, Verdict.DENY.value)
        renewed = approved(session, case, at=AFTER)
    assert renewed is not None
    assert renewed.valid_until == date(2031, 12, 31)
    assert certificate.replaced_by == renewed.number
    assert certificate.status is CertificateStatus.CHANGED


def test_a_renewal_that_is_withdrawn_leaves_the_certificate_to_expire(session: Session) -> None:
    certificate = issued(session, **UNTIL)
    with freeze_time(IN_TIME):
        close(session, submitted(session, "W-26", certificate.number), CaseState.WITHDRAWN)
    assert certificates.state_of(session, certificate, date(2027, 1, 1)) is CertificateState.EXPIRED


def test_a_late_renewal_is_taken_told_and_not_deemed_granted(session: Session) -> None:
    certificate = issued(session, **UNTIL)
    with freeze_time(LATE):
        case = submitted(session, "W-26", certificate.number)
    told = session.exec(
        select(TimelineEntry.text).where(
            TimelineEntry.case_no == case.case_no, TimelineEntry.event == "certificate.named"
        )
    ).one()
    assert "应于2026-12-01前提出，本次提出已不足三十日" in told
    assert certificates.state_of(session, certificate, date(2027, 1, 1)) is CertificateState.EXPIRED
