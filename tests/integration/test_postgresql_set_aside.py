"""Setting aside on PostgreSQL, which refuses more than SQLite does and aborts the transaction of whoever is refused."""

import pytest
from sqlmodel import col, select

from bridge import set_aside
from bridge.projection.projector import Projector
from models.database import Database
from models.engine_state import FeedPosition
from models.set_aside import SetAsideRecord
from models.task import Task, TaskStatus
from tests.factories.bridge_records import Log, add_case, bulk, fake_hooks, feed_over, form_record

pytestmark = pytest.mark.postgresql("SQLite takes these texts, and goes on after an error")


@pytest.mark.parametrize("element_id", ["Task_\0", "Task_" + "x" * 200])
def test_a_text_the_database_refuses_is_set_aside_and_its_neighbours_are_not(
    database: Database, element_id: str
) -> None:
    add_case(database, "C1")
    log, feed = Log(), feed_over(database)
    feed.apply(
        bulk(
            log.started(10, "C1"),
            log.task("CREATED", 20, 10),
            log.task("CREATED", 30, 10, elementId=element_id),
            log.task("CREATED", 40, 10),
            log.task("COMPLETED", 30, 10),
            log.task("COMPLETED", 40, 10),
        )
    )
    with database.reading() as session:
        tasks = session.exec(select(Task.key, Task.status).order_by(col(Task.key))).all()
        assert tasks == [(20, TaskStatus.OPEN), (40, TaskStatus.COMPLETED)]
        kept = session.exec(select(SetAsideRecord).order_by(col(SetAsideRecord.position))).all()
        assert [(one.position, one.behind) for one in kept] == [(3, None), (5, kept[0].id)]
        assert "内容无法存入数据库" in kept[0].reason
        assert session.exec(select(FeedPosition.position)).one() == 6
    assert not set_aside.retry(database, Projector(fake_hooks()), kept[0].id or 0)
    with database.transaction() as session:
        row = session.get_one(SetAsideRecord, kept[0].id)
        row.raw = bulk(log.task("CREATED", 30, 10)).records[0].raw
    assert set_aside.retry(database, Projector(fake_hooks()), kept[0].id or 0)
    with database.reading() as session:
        assert session.get_one(Task, 30).status is TaskStatus.COMPLETED


def test_a_form_with_a_byte_order_mark_is_kept_byte_for_byte(database: Database) -> None:
    request = bulk(form_record(Log(), 7, "f", b"\xef\xbb\xbf{}"))
    feed_over(database).apply(request)
    with database.reading() as session:
        assert session.exec(select(SetAsideRecord.raw)).one() == request.records[0].raw
