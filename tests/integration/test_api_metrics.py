"""``/metrics`` tells what an administrator is to be alarmed by."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from sqlalchemy import event
from sqlmodel import delete

from api.metrics import Metrics
from models.engine_state import ElementVisit, Heartbeat, Incident, InstanceState, ProcessInstance
from models.outbox import OutboxCommand, OutboxKind, OutboxStatus
from models.webhook import DeliveryStatus, WebhookDelivery, WebhookEndpoint
from services import health
from services.clock import machine_now
from services.heartbeats import FEED
from tests.databases import Databases
from tests.integration.readiness import beat_everywhere, deploy_everything
from tests.integration.web import Web, web_over
from tests.integration.web import web as web

PROCESS = "front-window"
A_WHILE = timedelta(minutes=10)
TOLERANCE = 60.0


def told(web: Web, name: str, **labels: str) -> float | None:
    """Return one figure, counted anew."""
    return next((sample.value for sample in samples(web) if (sample.name, sample.labels) == (name, labels)), None)


def samples(web: Web) -> list[Sample]:
    """Return all figures of one scrape."""
    text = Metrics(web.database).exposition().decode()
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


@pytest.fixture
def resting(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """Serve a product in which nothing has happened yet."""
    with web_over(databases, tmp_path_factory.mktemp("resting")) as served:
        yield served


def test_a_product_at_rest_has_nothing_old_and_nothing_dead(resting: Web) -> None:
    for name in ("tongquan_outbox_oldest_seconds", "tongquan_oldest_job_seconds", "tongquan_incidents_open"):
        assert told(resting, name) == 0
    for status in ("pending", "dead"):
        assert told(resting, "tongquan_webhook_deliveries", status=status) == 0
    assert told(resting, "tongquan_feed_waiting_seconds") is None


def test_the_outbox_is_as_old_as_its_oldest_waiting_command(resting: Web) -> None:
    now = machine_now()
    with resting.database.transaction() as session:
        for key, status, age in (
            ("a", OutboxStatus.SENT, timedelta(days=1)),
            ("b", OutboxStatus.DEAD, timedelta(days=1)),
            ("c", OutboxStatus.PENDING, A_WHILE),
            ("d", OutboxStatus.PENDING, timedelta()),
        ):
            session.add(
                OutboxCommand(
                    kind=OutboxKind.PUBLISH_MESSAGE,
                    stream=key,
                    natural_key=key,
                    payload={},
                    status=status,
                    created_at=now - age,
                    available_at=now,
                )
            )
    age = told(resting, "tongquan_outbox_oldest_seconds")
    assert age is not None
    assert 0 <= age - A_WHILE.total_seconds() < TOLERANCE


def test_webhooks_that_were_given_up_are_counted_apart_from_those_on_their_way(resting: Web) -> None:
    now = machine_now()
    statuses = [DeliveryStatus.DEAD, DeliveryStatus.DEAD, DeliveryStatus.PENDING, DeliveryStatus.DELIVERED]
    with resting.database.transaction() as session:
        for endpoint, deleted_at in (("one", None), ("ended", now)):
            session.add(
                WebhookEndpoint(
                    id=endpoint,
                    url="http://x.example",
                    sealed_secret="",
                    created_by="admin",
                    created_at=now,
                    deleted_at=deleted_at,
                )
            )
        session.flush()
        for number, (endpoint, status) in enumerate([*(("one", one) for one in statuses), ("ended", statuses[0])]):
            session.add(
                WebhookDelivery(
                    endpoint_id=endpoint,
                    message_id=str(number),
                    event="push.sent",
                    subject="push:1",
                    body="{}",
                    status=status,
                    created_at=now,
                    available_at=now,
                )
            )
    assert told(resting, "tongquan_webhook_deliveries", status="dead") == 2
    assert told(resting, "tongquan_webhook_deliveries", status="pending") == 1


def test_a_step_nobody_works_on_grows_old_and_one_with_an_incident_waits_for_a_person(resting: Web) -> None:
    deploy_everything(resting)
    begun = machine_now() - A_WHILE
    with resting.database.transaction() as session:
        for key, state in ((1, InstanceState.ACTIVE), (2, InstanceState.ACTIVE), (3, InstanceState.TERMINATED)):
            session.add(ProcessInstance(key=key, process_id=PROCESS, version=1, state=state, started_at=begun))
        for key, instance, state, element_type, age in (
            (11, 1, InstanceState.ACTIVE, "SERVICE_TASK", timedelta()),
            (12, 1, InstanceState.COMPLETED, "SERVICE_TASK", timedelta(days=1)),
            (13, 1, InstanceState.ACTIVE, "USER_TASK", timedelta(days=2)),
            (21, 2, InstanceState.ACTIVE, "SERVICE_TASK", timedelta(days=3)),
            (31, 3, InstanceState.ACTIVE, "SERVICE_TASK", timedelta(days=4)),
        ):
            session.add(
                ElementVisit(
                    key=key,
                    process_instance_key=instance,
                    process_id=PROCESS,
                    element_id="Task_Check",
                    element_type=element_type,
                    state=state,
                    started_at=begun - age,
                )
            )
        session.add(
            Incident(
                key=99,
                process_instance_key=2,
                element_id="Task_Check",
                element_instance_key=21,
                kind="JOB_NO_RETRIES",
                message="",
                created_at=begun,
            )
        )
    age = told(resting, "tongquan_oldest_job_seconds")
    assert age is not None
    assert 0 <= age - A_WHILE.total_seconds() < TOLERANCE
    assert told(resting, "tongquan_incidents_open") == 1


@pytest.mark.sqlite("PostgreSQL plans by what a table holds, and these are small")
def test_the_oldest_job_is_found_without_reading_the_history(resting: Web) -> None:
    """The history of elements has millions of rows after some years, and is asked every fifteen seconds."""
    asked: list[tuple[str, Any]] = []
    with resting.database.reading() as session:
        connection = session.connection()
        event.listen(connection, "before_cursor_execute", lambda *told: asked.append((told[2], told[3])))
        health.operating_figures(session, machine_now())
        [(statement, parameters)] = [one for one in asked if "min(element_visit.started_at)" in one[0]]
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
    assert [step[3] for step in plan if "element_visit" in step[3]] == [
        "SEARCH element_visit USING INDEX ix_element_visit_job"
    ]


def test_the_checks_of_readyz_and_what_the_feed_says_of_its_lag_are_figures(resting: Web) -> None:
    deploy_everything(resting)
    beat_everywhere(resting, machine_now())
    readiness = resting.client.get("/readyz").json()
    checked = {one.labels["check"]: one.value for one in samples(resting) if one.name == "tongquan_check_ok"}
    assert checked == {name: float(check["ok"]) for name, check in readiness["checks"].items()}
    with resting.database.transaction() as session:
        session.merge(Heartbeat(component=FEED, at=machine_now(), detail={"error": "", "lag_seconds": 90.5}))
        session.exec(delete(Heartbeat).where(Heartbeat.component == "worker:case-start"))
    assert told(resting, "tongquan_feed_waiting_seconds") == 90.5
    assert told(resting, "tongquan_check_ok", check="feed") == 0
    assert told(resting, "tongquan_check_ok", check="worker:case-start") == 0
    assert told(resting, "tongquan_check_ok", check="database") == 1


def test_the_room_left_on_the_disk_is_told(resting: Web) -> None:
    room = told(resting, "tongquan_state_disk_free_bytes")
    assert room is not None
    assert room > 0


def test_refused_sign_ins_are_counted_at_both_doors(web: Web) -> None:
    web.client.post("/api/v1/login", json={"username": "nobody", "password": "wrong-password"})
    secret = web.client.get("/login").cookies["tongquan_login"]
    web.client.post("/login", data={"username": "nobody", "password": "wrong-password", "csrf": secret})
    text = web.client.get("/metrics").text
    for route in ("/api/v1/login", "/login"):
        assert f'tongquan_http_requests_total{{method="POST",route="{route}",status="401"}} 1.0' in text
