"""Definitions, instances and incidents through the API."""

from sqlmodel import select

from models.outbox import OutboxCommand, OutboxKind
from tests.integration.web import Web
from tests.integration.web import web as web

ADMINISTRATOR = "admin.system"


def test_a_process_and_its_document_are_told(web: Web) -> None:
    web.process()
    listed = web.get("/processes", "xingguo.window").json()["items"]
    assert [(one["id"], one["version"]) for one in listed] == [("front-window", 3)]
    xml = web.get("/processes/front-window/xml", "xingguo.window")
    assert (xml.text, xml.headers["content-type"].partition(";")[0]) == ("<definitions/>", "application/xml")
    assert web.get("/processes/front-window/xml", "xingguo.window", version=2).status_code == 404


def test_an_instance_tells_where_it_is_and_what_it_stands_at(web: Web) -> None:
    case_no = web.submit()
    key = web.process(case_no)
    instance = web.get(f"/process-instances/{key}", "xingguo.reviewer").json()
    assert (instance["case_no"], instance["state"]) == (case_no, "active")
    assert (instance["active_elements"], instance["completed_elements"]) == (["Task_Check"], ["StartEvent"])
    assert instance["incidents"][0]["message"] == "no more retries"


def test_instances_of_unreadable_cases_are_hidden(web: Web) -> None:
    key = web.process(web.submit())
    assert web.get(f"/process-instances/{key}", "yudu.window").status_code == 403
    listed = web.get("/processes/front-window/instances", "yudu.window").json()["items"]
    assert str(key) not in [one["key"] for one in listed]
    everything = web.get("/processes/front-window/instances", ADMINISTRATOR, state="active").json()["items"]
    assert str(key) in [one["key"] for one in everything]


def test_pages_of_instances_join_newest_first(web: Web) -> None:
    keys = [str(web.process()) for _ in range(3)]
    seen, cursor = [], ""
    while cursor is not None:
        page = web.get("/processes/front-window/instances", ADMINISTRATOR, limit=2, cursor=cursor).json()
        seen += [one["key"] for one in page["items"]]
        cursor = page["next"]
    assert seen[:3] == keys[::-1]


def test_the_system_administrator_alone_retries_and_a_repetition_changes_nothing(web: Web) -> None:
    key = web.process()
    path = f"/process-instances/{key}/incidents/{key + 3}/retry"
    assert web.post(path, "city.coordinator").status_code == 403
    assert web.post(f"/process-instances/{key}/incidents/1/retry", ADMINISTRATOR).status_code == 404
    assert web.post(path, ADMINISTRATOR).status_code == 202
    assert web.post(path, ADMINISTRATOR).status_code == 202
    with web.database.reading() as session:
        asked = session.exec(select(OutboxCommand).where(OutboxCommand.stream == str(key))).all()
        assert [command.kind for command in asked] == [OutboxKind.RETRY_INCIDENT]
        assert asked[0].payload == {"key": key + 3, "job_key": key + 4}
