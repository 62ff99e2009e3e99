"""Health, figures, the clock, and the API's description of itself."""

import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from sqlmodel import select

from models.clock_state import AdvanceStatus, ClockAdvance
from models.engine_state import Heartbeat
from services import clock
from services.clock import machine_now
from tests.databases import Databases
from tests.integration.readiness import beat_everywhere, deploy_everything
from tests.integration.web import NOW, Web, web_over
from tests.integration.web import web as web


@pytest.fixture
def controlled(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with web_over(databases, tmp_path_factory.mktemp("controlled"), controlled_clock="true") as served:
        with served.database.transaction() as session:
            clock.control(session, NOW)
        yield served


def test_alive_at_the_root_and_under_the_base(web: Web) -> None:
    assert web.client.get("/healthz").json() == {"status": "ok"}
    assert web.get("/healthz").status_code == 200


def test_not_ready_names_what_is_missing(web: Web) -> None:
    answer = web.client.get("/readyz")
    assert answer.status_code == 503
    told = answer.json()
    assert told["ready"] is False
    assert {"processes", "engine", "feed", "relay", "worker:case-start"} <= set(told["failing"])
    assert told["checks"]["database"]["ok"]
    assert told["checks"]["catalogue"]["ok"]


def test_ready_when_every_component_has_just_beaten_and_not_when_one_grows_stale(web: Web) -> None:
    deploy_everything(web)
    beat_everywhere(web, machine_now())
    assert web.client.get("/readyz").json()["failing"] == []
    assert web.get("/readyz").status_code == 200
    with web.database.transaction() as session:
        session.merge(Heartbeat(component="worker:case-start", at=machine_now() - timedelta(minutes=1)))
        session.merge(Heartbeat(component="relay", at=machine_now(), detail={"engine": False}))
    assert web.client.get("/readyz").json()["failing"] == ["engine", "worker:case-start"]


def test_figures_name_no_address(web: Web) -> None:
    case_no = web.submit()
    web.get(f"/cases/{case_no}", "xingguo.window")
    text = web.client.get("/metrics").text
    assert 'tongquan_cases{state="1"}' in text
    assert 'route="/api/v1/cases/{case_no}",status="200"' in text
    assert "tongquan_outbox_commands" in text
    assert "tongquan_set_aside_records 0.0" in text
    assert case_no not in text


def test_the_machines_clock_cannot_be_moved(web: Web) -> None:
    assert web.get("/clock").json()["controlled"] is False
    answer = web.post("/clock/advance", "admin.system", json={"seconds": 60})
    assert (answer.status_code, answer.json()["code"]) == (409, "clock_not_controlled")


def test_only_the_system_administrator_moves_the_clock(controlled: Web) -> None:
    assert controlled.post("/clock/advance", json={"seconds": 60}).status_code == 401
    assert controlled.post("/clock/advance", "city.coordinator", json={"nonsense": 1}).status_code == 403


@pytest.mark.parametrize("seconds", [0, -1, "60", None, True, 1e12])
def test_a_distance_that_makes_no_sense_is_refused(controlled: Web, seconds: object) -> None:
    assert controlled.post("/clock/advance", "admin.system", json={"seconds": seconds}).status_code == 422


def test_an_advance_is_answered_when_the_bridge_has_done_it(controlled: Web) -> None:
    before = datetime.fromisoformat(controlled.get("/clock").json()["now"])
    assert abs(before - NOW) < timedelta(minutes=5)
    bridge = threading.Thread(target=finish_advance, args=(controlled, AdvanceStatus.DONE, None))
    bridge.start()
    answer = controlled.post("/clock/advance", "admin.system", json={"seconds": 3600})
    bridge.join()
    assert answer.json()["controlled"] is True
    assert datetime.fromisoformat(answer.json()["now"]) - before >= timedelta(hours=1)


def test_an_advance_the_bridge_gives_up_is_told(controlled: Web) -> None:
    bridge = threading.Thread(target=finish_advance, args=(controlled, AdvanceStatus.FAILED, "引擎不可达"))
    bridge.start()
    answer = controlled.post("/clock/advance", "admin.system", json={"seconds": 3600})
    bridge.join()
    assert (answer.status_code, answer.json()["code"]) == (503, "clock_advance_failed")
    assert answer.json()["detail"] == "引擎不可达"


def finish_advance(web: Web, status: AdvanceStatus, error: str | None) -> None:
    """Do what the bridge does with a pending advance."""
    for _ in range(200):
        with web.database.transaction() as session:
            asked = session.exec(select(ClockAdvance).where(ClockAdvance.status == AdvanceStatus.PENDING)).first()
            if asked is not None:
                if status is AdvanceStatus.DONE:
                    session.get_one(clock.ClockState, clock.CLOCK_ROW).offset_ms += round(asked.seconds * 1000)
                asked.status, asked.error = status, error
                return
        time.sleep(0.02)


def test_the_description_covers_every_operation(web: Web) -> None:
    described = web.get("/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    operations = [
        (path, method, operation)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    ]
    names = [operation["operationId"] for _, _, operation in operations]
    assert len(names) == len(set(names))
    assert "Problem" in described["components"]["schemas"]
    assert described["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    for path, method, operation in operations:
        assert operation["tags"], path
        for status, response in operation["responses"].items():
            if status == "default" or (int(status) >= 400 and status != "503"):
                assert list(response["content"]) == ["application/problem+json"], (path, method, status)
        closed = "security" in operation
        assert closed == ("401" in operation["responses"]) or path.endswith("/login"), (path, method)


def test_every_schema_the_description_refers_to_is_there(web: Web) -> None:
    text = web.get("/openapi.json").text
    schemas = web.get("/openapi.json").json()["components"]["schemas"]
    referred = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert referred <= set(schemas)
    assert "HTTPValidationError" not in schemas
