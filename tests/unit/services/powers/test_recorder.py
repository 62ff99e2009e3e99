"""What happens to a power is recorded, told to people and told to outside systems, all of it once."""
# ruff: noqa: F401, F811 - pytest takes the imported fixture by its name.

from typing import Any

import orjson
import pytest
from sqlmodel import Session, col, select

from models.audit import AuditEntry
from models.notification import Notification, NotificationKind
from models.power_event import PowerEvent, PowerSubject
from models.webhook import WebhookDelivery
from services.clock import product_now
from services.journal import audit
from services.powers import recorder
from services.powers.recorder import Matter, Notice
from services.webhooks import subscriptions
from tests.factories.powers import actor, session

FILING = Matter(PowerSubject.FILING, 7, "xingguo", "zrzy", title="某事项")
DATA = {
    "filing_id": 7,
    "case_no": "36073220260921000001",
    "item": "D-01",
    "area": "xingguo",
    "to": "city.zrzy.reviewer",
    "kind": "report",
    "state": "filed",
    "decision": "approve",
}


def rows(session: Session, table: Any) -> list[Any]:
    """Return every row of a table, oldest first."""
    return list(session.exec(select(table).order_by(col(table.id))).all())


def record(session: Session, matter: Matter, *notices: Notice, **how: Any) -> bool:
    """Record that the matter was reviewed."""
    return recorder.record(
        session, matter, "filing.reviewed", "合格", actor="x", at=product_now(session), notices=notices, **how
    )


def test_an_event_reaches_the_ledger_the_people_concerned_and_outside_systems(session: Session) -> None:
    subscriptions.subscribe(session, actor("admin.system"), "https://example.com/hook", ["filing.*"])
    supervision = Notice(
        ["city.coordinator"], text="请督办", kind=NotificationKind.SUPERVISION, signal="late", key="late:1"
    )
    assert record(session, FILING, Notice(["xingguo.approver"]), supervision, webhook=DATA)
    (event,) = rows(session, PowerEvent)
    assert (event.subject, event.subject_id, event.natural_key, event.event) == (
        PowerSubject.FILING,
        7,
        "filing.reviewed",
        "filing.reviewed",
    )
    assert (event.area, event.unit, event.actor, event.text) == ("xingguo", "zrzy", "x", "合格")
    audit.write_now(session)
    assert "filing.reviewed" in [one.action for one in rows(session, AuditEntry)]
    plain, urgent = rows(session, Notification)
    assert (plain.to_group, plain.signal, plain.natural_key, plain.text, plain.title, plain.kind) == (
        "xingguo.approver",
        "filing_reviewed",
        "filing:7:filing_reviewed",
        "合格",
        "某事项",
        NotificationKind.REMINDER,
    )
    assert (urgent.to_group, urgent.signal, urgent.natural_key, urgent.text, urgent.kind) == (
        "city.coordinator",
        "late",
        "filing:7:late:1",
        "请督办",
        NotificationKind.SUPERVISION,
    )
    (delivery,) = rows(session, WebhookDelivery)
    assert (delivery.event, delivery.subject) == ("filing.reviewed", "filing:7")
    assert orjson.loads(delivery.body)["data"] == DATA


def test_an_event_recorded_before_tells_nobody_again(session: Session) -> None:
    subscriptions.subscribe(session, actor("admin.system"), "https://example.com/hook", ["filing.*"])
    assert record(session, FILING, Notice(["xingguo.approver"]), webhook=DATA)
    assert not record(session, FILING, Notice(["yudu.approver"]), webhook=DATA)
    assert [len(rows(session, table)) for table in (PowerEvent, Notification, WebhookDelivery)] == [1, 1, 1]
    assert record(session, FILING, key="filing.reviewed:2")
    assert [len(rows(session, table)) for table in (PowerEvent, Notification, WebhookDelivery)] == [2, 1, 1]


@pytest.mark.parametrize("subject", [PowerSubject.LIST_DRAFT, PowerSubject.GUIDE, PowerSubject.UNIT_TRANSFER])
def test_what_nobody_is_notified_of_is_in_the_ledger_alone(session: Session, subject: PowerSubject) -> None:
    assert record(session, Matter(subject, 1))
    assert [len(rows(session, table)) for table in (PowerEvent, Notification, WebhookDelivery)] == [1, 0, 0]
