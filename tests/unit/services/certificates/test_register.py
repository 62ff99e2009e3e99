"""The register shows each certificate to who may read its case, its holder to who handles it, and finds by state."""

from datetime import date, datetime

import pytest
from freezegun import freeze_time
from sqlmodel import Session

from models.certificate import CertificateState
from models.database import CHINA
from services.accounts.actors import Actor
from services.certificates import register
from services.documents import certificates
from services.errors import Forbidden, NotFound
from tests.factories.certificates import APPROVER, approved, issued, submitted
from tests.factories.certificates import session as session

COORDINATOR = Actor("city.coordinator", "统筹", frozenset({"city.coordinator"}))
ELSEWHERE = Actor("ganxian.window", "窗口", frozenset({"ganxian.window"}))


def numbers(session: Session, actor: Actor = APPROVER, **wanted: object) -> list[str]:
    """Return the numbers on the first page of a list."""
    page = register.list_certificates(session, actor, **wanted)  # type: ignore[arg-type]
    return [one.number for one in page.items]


def test_lists_find_by_number_holder_and_state_as_of_today(session: Session) -> None:
    ends = issued(session, valid_until="2026-12-31").number
    changed = issued(session).number
    new = approved(session, submitted(session, "W-28", changed))
    assert new is not None
    cancelled = issued(session).number
    approved(session, submitted(session, "W-30", cancelled))
    assert set(numbers(session, state=CertificateState.VALID)) == {ends, new.number}
    assert numbers(session, state=CertificateState.CHANGED) == [changed]
    assert numbers(session, state=CertificateState.CANCELLED) == [cancelled]
    assert numbers(session, state=CertificateState.EXPIRED) == []
    assert numbers(session, q=new.number) == [new.number]
    assert len(numbers(session, holder="某某医疗器械")) == 4
    with freeze_time(datetime(2027, 1, 1, tzinfo=CHINA)):
        assert numbers(session, state=CertificateState.EXPIRED) == [ends]
        assert numbers(session, state=CertificateState.VALID) == [new.number]


def test_the_condition_of_a_list_agrees_with_the_state_of_each_while_a_renewal_is_undecided(session: Session) -> None:
    certificate = issued(session, valid_until="2026-12-31")
    with freeze_time(datetime(2026, 11, 2, tzinfo=CHINA)):
        submitted(session, "W-26", certificate.number)
    with freeze_time(datetime(2027, 1, 1, tzinfo=CHINA)):
        assert certificates.state_of(session, certificate, date(2027, 1, 1)) is CertificateState.VALID
        assert numbers(session, state=CertificateState.VALID) == [certificate.number]
        assert numbers(session, state=CertificateState.EXPIRED) == []
        assert register.get_certificate(session, APPROVER, certificate.number).deemed_renewed


def test_pages_follow_each_other_without_gaps_or_repeats(session: Session) -> None:
    made = {issued(session).number for _ in range(3)}
    first = register.list_certificates(session, APPROVER, limit=2)
    second = register.list_certificates(session, APPROVER, limit=2, cursor=first.next)
    assert {one.number for one in [*first.items, *second.items]} == made
    assert (len(second.items), second.next) == (1, None)


def test_the_holder_is_masked_for_who_does_not_handle_the_case_and_no_search_reveals_it(session: Session) -> None:
    certificate = issued(session)
    assert register.get_certificate(session, APPROVER, certificate.number).holder == certificate.holder
    masked = register.get_certificate(session, COORDINATOR, certificate.number)
    assert masked.holder != certificate.holder
    assert masked.holder_masked
    assert numbers(session, COORDINATOR) == [certificate.number]
    assert numbers(session, COORDINATOR, holder="兴国县") == []
    assert numbers(session, COORDINATOR, q="某某医疗器械") == []


def test_another_countys_account_reads_nothing(session: Session) -> None:
    certificate = issued(session)
    assert numbers(session, ELSEWHERE) == []
    with pytest.raises(Forbidden):
        register.get_certificate(session, ELSEWHERE, certificate.number)
    with pytest.raises(NotFound):
        register.get_certificate(session, ELSEWHERE, "GZ-1")
