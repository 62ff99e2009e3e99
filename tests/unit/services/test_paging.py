"""Pages by keyset: every row once, in order, whatever comes in between."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session, select

from models.calendar import CalendarRevision
from models.database import Database
from models.engine_state import ProcessInstance
from services import cursors, paging
from services.cursors import InvalidCursor
from services.paging import Order
from tests.databases import Databases, new

BEGUN = datetime(2026, 3, 1, tzinfo=UTC)
BY_NUMBER = (CalendarRevision.id,)
BY_TIME = (CalendarRevision.changed_at, CalendarRevision.id)
BY_AREA_AND_TIME = (CalendarRevision.area, CalendarRevision.changed_at, CalendarRevision.id)


@pytest.fixture(scope="module")
def database(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Yield a database with twelve revisions of three areas, each two of one instant."""
    with new(databases, tmp_path_factory.mktemp("paging")) as database:
        with database.transaction() as session:
            for number in range(12):
                revise(session, f"area-{number % 3}", BEGUN + timedelta(minutes=number // 2))
        yield database


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """Yield a session whose writes are dropped at the end."""
    with database.reading() as session:
        yield session


def revise(session: Session, area: str, at: datetime) -> None:
    """Add a revision."""
    session.add(CalendarRevision(area=area, source="test", changed_by="test", changed_at=at, days=0))
    session.flush()


def pages(session: Session, order: Order, limit: int) -> list[list[int]]:
    """Return the numbers of every page, read one after the other."""
    found: list[list[int]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = paging.read(session, select(CalendarRevision), order, cursor, limit).page(lambda row: row.id or 0)
        found.append(page.items)
        cursor = page.next
    return found


@pytest.mark.parametrize("columns", [BY_NUMBER, BY_TIME, BY_AREA_AND_TIME])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("limit", [1, 5, 12, 13])
def test_pages_together_are_the_list(
    session: Session, columns: tuple[object, ...], descending: bool, limit: int
) -> None:
    order = Order(*columns, descending=descending)
    found = pages(session, order, limit)
    whole = sorted(session.exec(select(CalendarRevision)).all(), key=order.position, reverse=descending)
    assert [number for page in found for number in page] == [row.id for row in whole]
    assert [len(page) for page in found[:-1]] == [limit] * (len(found) - 1)
    assert 0 < len(found[-1]) <= limit


def test_what_comes_before_a_page_moves_no_row_of_it(session: Session) -> None:
    order = Order(*BY_TIME, descending=True)
    first = paging.read(session, select(CalendarRevision), order, None, 5)
    expected = pages(session, order, 5)[1]
    revise(session, "area-9", BEGUN + timedelta(days=1))
    second = paging.read(session, select(CalendarRevision), order, first.next, 5)
    assert [row.id for row in second.rows] == expected


def test_a_row_of_several_entities_stands_where_its_first_does(session: Session) -> None:
    query = select(CalendarRevision, CalendarRevision.area)
    found = paging.read(session, query, Order(*BY_NUMBER), None, 4)
    page = paging.read(session, query, Order(*BY_NUMBER), found.next, 1).page(lambda row: (row[0].id, row[1]))
    assert page.items == [(found.rows[-1][0].id + 1, "area-1")]


@pytest.mark.parametrize(
    ("query", "order", "position"),
    [
        (select(CalendarRevision), Order(CalendarRevision.id), (2**31,)),
        (select(ProcessInstance), Order(ProcessInstance.key), (2**63,)),
        (select(CalendarRevision), Order(*BY_TIME), (BEGUN, "1")),
        (select(CalendarRevision), Order(*BY_TIME), (1, 1)),
    ],
)
def test_a_position_the_columns_cannot_hold_is_refused(
    session: Session, query: object, order: Order, position: tuple[object, ...]
) -> None:
    with pytest.raises(InvalidCursor):
        paging.read(session, query, order, cursors.encode(*position), 5)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("query", "order", "position"),
    [
        (select(CalendarRevision), Order(CalendarRevision.id), (2**31 - 1,)),
        (select(ProcessInstance), Order(ProcessInstance.key), (2**63 - 1,)),
        (select(CalendarRevision), Order(*BY_TIME), (cursors.LAST_INSTANT, 2**31 - 1)),
        (select(CalendarRevision), Order(*BY_TIME, descending=True), (cursors.FIRST_INSTANT, 0)),
        (select(CalendarRevision), Order(*BY_AREA_AND_TIME), ("~" * 300, cursors.LAST_INSTANT, 0)),
    ],
)
def test_the_outermost_position_is_read_and_nothing_is_behind_it(
    session: Session, query: object, order: Order, position: tuple[object, ...]
) -> None:
    found = paging.read(session, query, order, cursors.encode(*position), 5)  # type: ignore[call-overload]
    assert (found.rows, found.next) == ([], None)


def test_a_short_list_is_paged_by_name() -> None:
    names = ["a", "c", "b"]
    first = paging.page_of(names, str, None, 2)
    assert (first.items, paging.page_of(names, str, first.next, 2).items) == (["a", "c"], ["b"])
    assert paging.page_of(names, str, first.next, 2).next is None
    with pytest.raises(InvalidCursor):
        paging.page_of(names, str, cursors.encode("d"), 2)
