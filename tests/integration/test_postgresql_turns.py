"""Two requests at once on one agreement, recall, list, filing or question, on PostgreSQL: one of them wins.

The first request stands before its commit when the second comes; the second waits for a lock and then sees what the
first did.
"""

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import Session, func, select

from models.agreement import Agreement, AgreementState
from models.case import Case, Verdict
from models.case_deadlines import CaseDeadlines
from models.catalogue import Mode
from models.consultation import Training, TrainingAttendance
from models.database import Database
from models.filing import Filing, FilingKind
from models.in_flight import InFlight
from models.power_event import PowerEvent
from models.recall import Recall, RecallState
from models.unit_transfer import UnitTransfer
from models.working_calendar import china_date
from services import locks
from services.accounts.actors import Actor
from services.clock import product_now
from services.errors import Conflict, InvalidInput
from services.guidance import consultations
from services.powers import agreements, filings
from services.publishing import guide_versions, list_files, list_versions
from services.takeovers import recalls, unit_transfers
from tests.databases import Databases, new
from tests.instance import eventually

pytestmark = pytest.mark.postgresql("SQLite's writers go one after the other")

serial = itertools.count(1)
Step = Callable[[Session], object]
OnRow = Callable[[Session, int], object]


def actor(name: str) -> Actor:
    """Return an account named like its one group."""
    return Actor(name, name, frozenset({name}))


BOSS = actor("city.coordinator")


@pytest.fixture(scope="module")
def database(databases: Databases) -> Iterator[Database]:
    """Yield a seeded database."""
    with new(databases, seeded=True) as opened:
        yield opened


def waits_for_a_lock(database: Database) -> bool:
    """Tell whether any transaction of the database waits for another's lock."""
    with database.reading() as session:
        waiting = session.connection().exec_driver_sql(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(waiting.scalar_one())


def at_once(database: Database, first: Step, second: Step) -> BaseException | None:
    """Do ``second`` while ``first`` is done and not committed; return what ``second`` raised."""

    def run() -> None:
        with database.transaction() as session:
            second(session)

    with ThreadPoolExecutor(1) as threads:
        with database.transaction() as session:
            first(session)
            session.flush()
            other: Future[None] = threads.submit(run)
            eventually(lambda: other.done() or waits_for_a_lock(database), "the second request at the lock")
            assert not other.done(), other.exception()
        return other.exception()


def an_agreement(session: Session, state: AgreementState = AgreementState.SIGNED) -> int:
    """Insert an agreement."""
    now = product_now(session)
    row = Agreement(
        area="xingguo",
        unit="zrzy",
        items=["S-22"],
        procedure="程序",
        in_force_from=china_date(now),
        state=state,
        created_by="city.coordinator",
        created_at=now,
    )
    session.add(row)
    session.flush()
    return row.id or 0


def a_recall(session: Session) -> int:
    """Insert a proposal the county was heard on."""
    item = f"D-{next(serial) % 10 + 1:02d}"
    row = Recall(item=item, area="ganxian", unit="jtys", state=RecallState.HEARD, reason="整改")
    session.add(row)
    session.flush()
    return row.id or 0


def a_filing(session: Session) -> int:
    """Insert a filing with its case."""
    now, number = product_now(session), f"P{next(serial)}"
    case = Case(
        case_no=number,
        query_code="Q",
        item_code="D-01",
        item_version=1,
        guide_version=1,
        item_name="测试事项",
        mode=Mode.DIRECT,
        power_kind="filing",
        power_type="其他行政权力-备案",
        area="xingguo",
        city_unit="jtys",
        applicant_digest=number,
        submitted_by="xingguo.window",
        received_at=now,
        process_id="direct-devolution",
        decision=Verdict.APPROVE,
        is_open=False,
    )
    session.add(case)
    session.flush()
    row = Filing(
        case_no=number,
        item="D-01",
        area="xingguo",
        unit="jtys",
        kind=FilingKind.REPORT,
        decision="approve",
        filed_at=now,
        waiting_since=now,
        sampled=False,
    )
    session.add(row)
    session.flush()
    return row.id or 0


def a_list(session: Session) -> int:
    """Draft the list in force anew and hand it in for review."""
    author = actor("city.xzsp.approver")
    draft = list_versions.import_list(
        session,
        author,
        title="清单",
        source="",
        in_force_from=china_date(product_now(session)),
        complete=False,
        text=list_files.export(session, china_date(product_now(session))),
    )
    list_versions.submit(session, author, draft.id)
    return draft.id


def a_question(session: Session) -> int:
    """Ask the advisor of jtys."""
    return consultations.ask(session, actor("xingguo.window"), item="D-01", case_no=None, text="怎么办？").id


def a_transfer(session: Session) -> int:
    """Decide on a transfer for later."""
    session.connection().exec_driver_sql("UPDATE unit_transfer SET state = 'revoked' WHERE state = 'decided'")
    ahead = china_date(product_now(session)) + timedelta(days=9)
    return unit_transfers.decide(
        session, BOSS, area="rongjiang", item="S-22", unit="nb", effective_on=ahead, reason="划转"
    ).id


RACES: dict[str, tuple[Callable[[Session], int], OnRow, OnRow]] = {
    "an agreement is ended and suspended": (
        an_agreement,
        lambda s, n: agreements.end(s, BOSS, n, "期满"),
        lambda s, n: agreements.suspend(s, BOSS, n, "整改"),
    ),
    "one side signs twice": (
        lambda s: an_agreement(s, AgreementState.DRAFT),
        lambda s, n: agreements.sign(s, actor("xingguo.approver"), n),
        lambda s, n: agreements.sign(s, actor("xingguo.approver"), n),
    ),
    "a proposal is dropped twice": (
        a_recall,
        lambda s, n: recalls.drop(s, BOSS, n, "一"),
        lambda s, n: recalls.drop(s, BOSS, n, "二"),
    ),
    "a list is published and rejected": (
        a_list,
        lambda s, n: list_versions.publish(s, BOSS, n),
        lambda s, n: list_versions.reject(s, BOSS, n, "退回"),
    ),
    "a filing is acknowledged and questioned": (
        a_filing,
        lambda s, n: filings.acknowledge(s, actor("city.jtys.reviewer"), n),
        lambda s, n: filings.question(s, actor("city.jtys.approver"), n, "为何？"),
    ),
    "a question is answered twice": (
        a_question,
        lambda s, n: consultations.answer(s, actor("city.jtys.advisor"), n, "一"),
        lambda s, n: consultations.answer(s, actor("city.jtys.advisor"), n, "二"),
    ),
    "a transfer is revoked twice": (
        a_transfer,
        lambda s, n: unit_transfers.revoke(s, BOSS, n, "一"),
        lambda s, n: unit_transfers.revoke(s, BOSS, n, "二"),
    ),
}


@pytest.mark.parametrize("race", RACES)
def test_of_two_steps_at_once_the_second_meets_a_conflict(database: Database, race: str) -> None:
    prepare, first, second = RACES[race]
    with database.transaction() as session:
        number = prepare(session)
    raised = at_once(database, lambda s: first(s, number), lambda s: second(s, number))
    assert isinstance(raised, Conflict), raised


def test_whoever_locks_a_case_has_its_deadlines_too(database: Database) -> None:
    with database.transaction() as session:
        number = session.get_one(Filing, a_filing(session)).case_no
    with database.transaction() as session:
        locks.find_for_update(session, Case, number)
        with database.reading() as other:
            held = select(CaseDeadlines.case_no).where(CaseDeadlines.case_no == number)
            assert other.exec(held).one() == number
            assert other.exec(held.with_for_update(skip_locked=True)).first() is None


def test_two_recalls_of_one_power_at_once_are_one_recall(database: Database) -> None:
    def order(session: Session) -> object:
        return recalls.decide(
            session, BOSS, item="D-11", area="xunwu", reason="收回", effective_on=None, in_flight=InFlight.FINISH
        )

    assert isinstance(at_once(database, order, order), recalls.AlreadyRecalled)
    with database.reading() as session:
        assert session.exec(select(func.count()).where(Recall.item == "D-11", Recall.area == "xunwu")).one() == 1


def test_two_transfers_of_one_item_at_once_are_one_transfer(database: Database) -> None:
    def order(session: Session) -> object:
        ahead = china_date(product_now(session)) + timedelta(days=9)
        return unit_transfers.decide(
            session, BOSS, area="rongjiang", item="S-23", unit="nb", effective_on=ahead, reason="划转"
        )

    assert isinstance(at_once(database, order, order), unit_transfers.TransferPending)
    with database.reading() as session:
        assert session.exec(select(func.count()).where(UnitTransfer.item == "S-23")).one() == 1


def test_two_files_with_the_next_version_of_a_guide_at_once_are_one_version(database: Database) -> None:
    with database.reading() as session:
        content = guide_versions.file_to_edit(session, "S-22").encode()

    def publish(session: Session) -> object:
        return guide_versions.publish(session, BOSS, "S-22", guide_versions.parse(content))

    raised = at_once(database, publish, publish)
    assert isinstance(raised, InvalidInput)
    assert [one.field for one in raised.problems] == ["file.version"]


def test_attending_a_training_twice_at_once_is_noted_once(database: Database) -> None:
    with database.transaction() as session:
        now = product_now(session)
        training = Training(
            unit="jtys", title="培训", begins_at=now, announced_by="city.jtys.advisor", announced_at=now
        )
        session.add(training)
        session.flush()
        number = training.id or 0

    def attend(session: Session) -> object:
        return consultations.attend_training(session, actor("xingguo.window"), number)

    assert at_once(database, attend, attend) is None
    with database.reading() as session:
        assert session.exec(select(func.count(TrainingAttendance.id))).one() == 1  # type: ignore[arg-type]
        assert session.exec(select(func.count(PowerEvent.id))).one() > 0  # type: ignore[arg-type]
