"""Instances that a worker noted and a killed engine has undone: dropped once the feed is past them, and not before."""

from datetime import timedelta

import pytest
from sqlmodel import select

from bridge import reconciler
from bridge.unheard import KEY_BITS, LOOK_SECONDS, NEWER, SETTLED_SECONDS, Unheard
from engine.partitions import Positions
from models.case import Case
from models.database import Database
from models.engine_state import FeedPosition, InstanceState, ProcessDefinition, ProcessInstance
from models.outbox import OutboxCommand, OutboxStatus
from models.set_aside import SetAsideRecord
from services.cases import submission
from services.clock import machine_now
from tests.factories.bridge_records import START, Log, add_case, bulk, fake_hooks, feed_over

NOTED = (1 << KEY_BITS) + 10
"""An instance of partition 1."""


class Watched:
    def __init__(self, database: Database) -> None:
        self.now = 0.0
        self.unheard = Unheard(database, lambda: self.now)

    def at(self, seconds: float, *, processed: int = 40, exported: int = 41, processing: bool = True) -> int:
        self.now = seconds
        self.unheard.note({1: Positions(processed, exported, processing=processing)}, seconds)
        return self.unheard.look()


@pytest.fixture
def watched(database: Database) -> Watched:
    add_case(database, "C1", process_instance_key=NOTED)
    with database.transaction() as session:
        session.add(
            ProcessDefinition(
                key=5,
                process_id="front-window",
                version=1,
                name="",
                resource_name="",
                checksum="",
                xml="",
                deployed_at=START,
            )
        )
        session.add(ProcessInstance(key=NOTED, process_id="front-window", version=1, case_no="C1"))
    return Watched(database)


def instances(database: Database) -> list[int]:
    with database.reading() as session:
        return sorted(row.key for row in session.exec(select(ProcessInstance)))


def claim(database: Database, case_no: str = "C1") -> int | None:
    with database.reading() as session:
        return session.get_one(Case, case_no).process_instance_key


def test_an_instance_the_engine_has_undone_is_dropped_and_its_case_begins_anew(
    watched: Watched, database: Database
) -> None:
    with database.transaction() as session:
        submission.request_start(session, session.get_one(Case, "C1"))
        session.add(
            ProcessInstance(
                key=NOTED + 9,
                process_id="front-window",
                version=1,
                case_no="C1",
                state=InstanceState.COMPLETED,
                started_at=START,
            )
        )
    with database.transaction() as session:
        for row in session.exec(select(OutboxCommand)):
            row.status, row.sent_at = OutboxStatus.SENT, machine_now() - timedelta(minutes=5)
    assert watched.at(0) == 0
    assert reconciler.reconcile(database, fake_hooks()).restarted == 0
    assert watched.at(SETTLED_SECONDS + 1) == 1
    assert claim(database) is None
    assert instances(database) == [NOTED + 9], "what lost the claim stays in the history"
    assert reconciler.reconcile(database, fake_hooks()).restarted == 1


def test_one_is_kept_while_the_exporters_are_behind_or_the_engine_reads_its_log(
    watched: Watched, database: Database
) -> None:
    assert watched.at(0) == 0
    assert watched.at(100, processed=50, exported=41) == 0
    assert watched.at(200, processing=False) == 0
    assert instances(database) == [NOTED]
    assert watched.at(300) == 1


def test_one_of_another_partition_says_nothing(watched: Watched, database: Database) -> None:
    with database.transaction() as session:
        session.delete(session.get_one(ProcessInstance, NOTED))
        session.add(ProcessInstance(key=(2 << KEY_BITS) + 10, process_id="front-window", case_no="C1"))
    assert [watched.at(seconds) for seconds in (0, 100, 200)] == [0, 0, 0]


def test_the_engine_is_looked_for_every_few_seconds_only(watched: Watched) -> None:
    assert watched.at(0) == 0
    watched.at(SETTLED_SECONDS + LOOK_SECONDS - 1, processed=50, exported=41)
    assert watched.at(SETTLED_SECONDS + LOOK_SECONDS) == 0
    assert watched.at(SETTLED_SECONDS + 2 * LOOK_SECONDS) == 1


def test_without_positions_records_of_both_exporters_that_are_so_much_newer_tell(
    watched: Watched, database: Database
) -> None:
    later = machine_now() + NEWER + timedelta(minutes=1)
    watched.now = 0.0
    assert watched.unheard.look() == 0
    with database.transaction() as session:
        session.add(FeedPosition(exporter="tq-feed", partition=1, position=9, record_at=later))
    watched.now = 100.0
    assert watched.unheard.look() == 0, "the other exporter may have it yet"
    with database.transaction() as session:
        session.add(FeedPosition(exporter="tq-history", partition=1, position=9, record_at=later))
    watched.now = 200.0
    assert watched.unheard.look() == 1
    assert instances(database) == []


def test_an_instance_that_the_engine_tells_of_in_the_meantime_is_kept(watched: Watched, database: Database) -> None:
    assert watched.at(0) == 0
    feed_over(database).apply(bulk(Log().element("ELEMENT_ACTIVATING", NOTED, NOTED, kind="PROCESS")))
    assert watched.at(100) == 0
    assert claim(database) == NOTED


def test_one_whose_record_may_have_been_set_aside_is_kept(watched: Watched, database: Database) -> None:
    with database.transaction() as session:
        session.add(
            SetAsideRecord(
                exporter="tq-history",
                partition=1,
                position=3,
                value_type="PROCESS_INSTANCE",
                reason="x",
                raw=b"",
                at=START,
            )
        )
    assert [watched.at(seconds) for seconds in (0, 100)] == [0, 0]
    assert instances(database) == [NOTED]


def test_a_record_that_comes_after_all_writes_the_instance_anew(watched: Watched, database: Database) -> None:
    watched.at(0)
    assert watched.at(100) == 1
    feed_over(database).apply(bulk(Log().started(NOTED, "C1")))
    with database.reading() as session:
        row = session.get_one(ProcessInstance, NOTED)
        assert (row.case_no, row.state) == ("C1", InstanceState.ACTIVE)


def test_a_case_whose_instance_became_anothers_gives_up_its_claim(watched: Watched, database: Database) -> None:
    add_case(database, "C2", process_instance_key=NOTED)
    feed_over(database).apply(bulk(Log().element("ELEMENT_ACTIVATING", NOTED, NOTED, kind="PROCESS")))
    with database.transaction() as session:
        session.get_one(ProcessInstance, NOTED).case_no = "C2"
    watched.at(0)
    assert (claim(database, "C1"), claim(database, "C2")) == (None, NOTED)
