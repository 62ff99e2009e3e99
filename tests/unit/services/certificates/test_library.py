"""What the city library is told: each state, again until it is confirmed, and anew where it differs."""

from datetime import timedelta

import pytest
from sqlmodel import Session

from models.certificate import LibraryEntry, LibraryStanding
from services.certificates import history, library
from services.certificates.library import Due
from services.clock import machine_now
from services.errors import Forbidden
from tests.factories.certificates import ADMINISTRATOR, APPROVER, approved, issued, submitted
from tests.factories.certificates import session as session


def taken(session: Session, number: str) -> Due:
    """Lease what is due and return what is asked about one certificate."""
    return next(one for one in library.take(session, 50) if one.number == number)


def entry(session: Session, number: str) -> LibraryEntry:
    """Return the library's row of a certificate."""
    return session.get_one(LibraryEntry, number, populate_existing=True)


def in_step(session: Session) -> str:
    """Return the number of a certificate that the library has confirmed."""
    number = issued(session).number
    library.confirm(session, taken(session, number))
    assert entry(session, number).standing is LibraryStanding.IN_STEP
    return number


def test_what_is_new_is_due_at_once_and_leased_to_one_bridge(session: Session) -> None:
    number = issued(session).number
    assert library.standing_of(session, number) is LibraryStanding.PENDING
    due = taken(session, number)
    assert (due.request_id, due.compare, due.record["state"]) == (f"{number}:1", False, "valid")
    assert not library.is_anything_due(session)


def test_a_failure_is_tried_again_after_growing_pauses_for_ever(session: Session) -> None:
    number = issued(session).number
    pauses = []
    for attempt in range(1, 9):
        due = taken(session, number)
        now = machine_now()
        library.fail(session, due, "ConnectError")
        row = entry(session, number)
        assert (row.attempts, row.difference, row.standing) == (attempt, "ConnectError", LibraryStanding.PENDING)
        pauses.append(row.available_at - now)
        row.available_at = now
        session.flush()
    assert pauses == sorted(pauses)
    assert pauses[-1] == timedelta(minutes=10)


def test_a_change_makes_both_certificates_due_and_an_older_confirmation_does_not_count(session: Session) -> None:
    number = issued(session).number
    early = taken(session, number)
    changed = approved(session, submitted(session, "W-28", number))
    assert changed is not None
    library.confirm(session, early)
    assert entry(session, number).standing is LibraryStanding.PENDING
    due = taken(session, number)
    assert (due.version, due.record["state"], due.record["replaced_by"]) == (2, "changed", changed.number)
    library.confirm(session, due)
    assert entry(session, number).standing is LibraryStanding.IN_STEP


def test_what_fits_is_compared_again_later(session: Session) -> None:
    number = in_step(session)
    library.mend(session, ADMINISTRATOR)
    due = taken(session, number)
    assert due.compare
    library.compared(session, due, dict(due.record))
    assert entry(session, number).standing is LibraryStanding.IN_STEP
    assert not library.is_anything_due(session)


@pytest.mark.parametrize(
    ("found", "told"), [(None, "库中没有这份证照"), ({"state": "revoked"}, "状态（库中为revoked）")]
)
def test_a_difference_is_shown_told_and_sent_anew_under_the_next_version(
    session: Session, found: dict[str, str] | None, told: str
) -> None:
    number = in_step(session)
    library.mend(session, ADMINISTRATOR)
    due = taken(session, number)
    library.compared(session, due, {**due.record, **found} if found is not None else None)
    row = entry(session, number)
    assert (row.standing, row.difference) == (LibraryStanding.DIFFERS, told)
    (shown,) = library.list_differences(session, ADMINISTRATOR, cursor=None, limit=50).items
    assert (shown.number, shown.library) == (number, LibraryStanding.DIFFERS)
    assert told in history.of(session, number)[-1].text
    again = taken(session, number)
    assert (again.version, again.compare) == (2, False)
    library.confirm(session, again)
    assert library.figures(session, ADMINISTRATOR).differs == 0


def test_a_persons_name_is_not_told_in_a_difference(session: Session) -> None:
    due = taken(session, issued(session).number)
    told = library.difference_of(due.record, {**due.record, "holder": "李四"})
    assert told == "持证人"


def test_a_wish_to_mend_made_during_an_attempt_stands_when_the_attempt_fails(session: Session) -> None:
    number = issued(session).number
    due = taken(session, number)
    library.mend(session, ADMINISTRATOR)
    library.fail(session, due, "ConnectError")
    assert library.is_anything_due(session)


def test_only_the_system_administrator_mends(session: Session) -> None:
    for ask in (library.mend, library.figures):
        with pytest.raises(Forbidden):
            ask(session, APPROVER)
    with pytest.raises(Forbidden):
        library.list_differences(session, APPROVER, cursor=None, limit=1)
