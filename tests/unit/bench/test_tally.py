"""The soak's count: what went in came out once, or the run says that it does not agree."""

from dataclasses import replace

import pytest

from bench.tally import ONCE, Tally
from models.audit import TimelineEntry
from models.case import Case
from models.database import Database
from models.document import Document
from models.engine_state import InstanceState, ProcessInstance
from tests.factories.bridge_records import START, add_case

WHOLE = Tally(frozenset({"C1", "C2"}), 2, 2, 8, 0, 0, 0, 0, 0, 0)


def test_what_went_in_and_came_out_agrees() -> None:
    assert WHOLE.agrees(["C1", "C2"])


@pytest.mark.parametrize(
    "tally",
    [
        replace(WHOLE, case_nos=frozenset({"C1"})),
        replace(WHOLE, case_nos=frozenset({"C1", "C2", "C3"})),
        replace(WHOLE, closed=1),
        replace(WHOLE, certificates=1),
        replace(WHOLE, doubled=1),
        replace(WHOLE, active=1),
        replace(WHOLE, open_tasks=1),
        replace(WHOLE, given_up=1),
        replace(WHOLE, incidents=1),
        replace(WHOLE, set_aside=1),
    ],
)
def test_anything_lost_doubled_or_left_over_does_not(tally: Tally) -> None:
    assert not tally.agrees(["C1", "C2"])


def closed_case(database: Database, case_no: str, *events: str) -> None:
    add_case(database, case_no)
    with database.transaction() as session:
        session.get_one(Case, case_no).is_open = False
        for place, event in enumerate(events):
            entry = TimelineEntry(case_no=case_no, natural_key=f"{place}", at=START, event=event, text="", actor="x")
            session.add(entry)


def test_an_event_that_is_missing_or_there_twice_is_counted(database: Database) -> None:
    closed_case(database, "C1", *ONCE)
    assert Tally.of(database).doubled == 0
    closed_case(database, "C2", *ONCE, "case.accepted")
    assert Tally.of(database).doubled == 1
    closed_case(database, "C3", *ONCE[1:])
    assert Tally.of(database).doubled == 2


def test_two_papers_of_one_kind_are_one_too_many_and_an_instance_left_behind_is_told(database: Database) -> None:
    closed_case(database, "C1", *ONCE)
    with database.transaction() as session:
        for number in ("1", "2"):
            session.add(
                Document(
                    case_no="C1",
                    natural_key=number,
                    kind="受理通知书",
                    number=number,
                    seal="",
                    issued_at=START,
                    body={},
                    sha256="",
                    pdf=b"",
                )
            )
        session.add(
            ProcessInstance(key=1, process_id="front-window", version=1, case_no="C1", state=InstanceState.ACTIVE)
        )
        session.add(ProcessInstance(key=2, process_id="supervision-push", version=1, case_no="C1"))
    tally = Tally.of(database)
    assert (tally.doubled, tally.active, tally.is_settled) == (1, 1, False)
