"""The monitoring figures that suggest a recall: a county answers for its own share of the clock alone."""

from datetime import datetime, timedelta
from itertools import count

import pytest
from sqlmodel import Session

from models.case import CaseState
from models.catalogue import Mode
from models.dossier import TransferDossier
from models.task import Task, TaskStatus
from services.clock import product_now
from services.takeovers.recall_views import suggestions
from tests.factories.powers import add_case
from tests.factories.powers import session as session

DAY = timedelta(days=1)
numbers = count(1)


def figures(session: Session) -> tuple[int, int]:
    """Return what the county and what the city was late with."""
    [one] = suggestions(session)
    return one.overdue, one.city_overdue


def substantive(session: Session, now: datetime, *, forwarded: timedelta | None, **dates: object) -> None:
    """Add a substantive case whose review was due five days ago and whose limit ended a day ago."""
    facts = {"mode": Mode.SUBSTANTIVE, "review_due_at": now - 5 * DAY, "due_at": now - DAY, "level": 1}
    case = add_case(session, next(numbers), **facts | dates)
    if forwarded is not None:
        session.add(
            TransferDossier(
                case_no=case.case_no, round=1, body={}, digest="d", forwarded_by="x", forwarded_at=now - forwarded
            )
        )
        session.flush()


@pytest.mark.parametrize(
    ("forwarded", "level", "expected"),
    [(6 * DAY, 1, (0, 1)), (4 * DAY, 1, (1, 0)), (None, 0, (1, 0)), (6 * DAY, 0, (1, 0))],
    ids=["forwarded in time, late in the city", "forwarded late", "not forwarded", "returned and late again"],
)
def test_a_substantive_case_is_the_countys_until_it_is_forwarded(
    session: Session, forwarded: timedelta | None, level: int, expected: tuple[int, int]
) -> None:
    substantive(session, product_now(session), forwarded=forwarded, level=level)
    assert figures(session) == expected


def test_a_window_case_is_late_with_the_city_alone(session: Session) -> None:
    now = product_now(session)
    add_case(session, mode=Mode.WINDOW, due_at=now - DAY, level=1)
    assert figures(session) == (0, 1)


def test_a_direct_case_is_late_with_the_county_and_a_decided_one_by_its_decision(session: Session) -> None:
    now = product_now(session)
    add_case(session, 1, due_at=now - DAY)
    add_case(session, 2, due_at=now - 3 * DAY, decided_at=now - 2 * DAY, state=CaseState.CLOSED_APPROVED, is_open=False)
    add_case(session, 3, due_at=now - 2 * DAY, decided_at=now - 3 * DAY, state=CaseState.CLOSED_APPROVED, is_open=False)
    assert figures(session) == (2, 0)


@pytest.mark.parametrize(("taken", "expected"), [(2 * DAY, (0, 1)), (DAY / 2, (1, 0))], ids=["before", "after"])
def test_a_case_taken_over_is_the_countys_up_to_the_takeover(
    session: Session, taken: timedelta, expected: tuple[int, int]
) -> None:
    now = product_now(session)
    add_case(session, due_at=now - DAY, taken_over_at=now - taken, level=1)
    assert figures(session) == expected


@pytest.mark.parametrize(
    ("asked", "answered", "expected"),
    [(3 * DAY, None, (0, 1)), (3 * DAY, DAY / 2, (0, 1)), (3 * DAY, 2 * DAY, (1, 0))],
    ids=["still waiting", "consented late", "consented in time"],
)
def test_a_limit_that_ended_while_the_city_had_yet_to_consent_is_the_citys(
    session: Session, asked: timedelta, answered: timedelta | None, expected: tuple[int, int]
) -> None:
    now = product_now(session)
    case = add_case(session, due_at=now - DAY, approval_filing=True)
    session.add(
        Task(
            key=5,
            case_no=case.case_no,
            process_id="direct-devolution",
            process_instance_key=1,
            element_id="Task_CityConsent",
            element_instance_key=1,
            name="征得市级同意",
            status=TaskStatus.OPEN if answered is None else TaskStatus.COMPLETED,
            is_open=answered is None,
            created_at=now - asked,
            closed_at=None if answered is None else now - answered,
        )
    )
    session.flush()
    assert figures(session) == expected


def test_three_overruns_of_the_city_suggest_nothing_and_three_of_the_county_do(session: Session) -> None:
    now = product_now(session)
    for _ in range(3):
        substantive(session, now, forwarded=6 * DAY)
    [one] = suggestions(session)
    assert (one.suggested, one.reasons, one.city_overdue) == (False, [], 3)
    for _ in range(3):
        substantive(session, now, forwarded=4 * DAY)
    [one] = suggestions(session)
    assert (one.suggested, one.reasons) == (True, ["超期3件"])
