"""The web over a database of its own, without an engine: what the API's tests are driven through."""

import itertools
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import delete

from api.application import create_app
from models.case import Case
from models.database import Database
from models.engine_state import ElementVisit, Incident, InstanceState, ProcessDefinition, ProcessInstance
from models.signature import AuthorityKey
from models.task import FormVersion, Task, TaskCandidate
from services import setup
from settings import Settings, get_settings
from tests.databases import Databases
from tests.instance import good_answer, id_card

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette's client warns of the HTTP library it is used with.
    from starlette.testclient import TestClient

PASSWORD = "tongquan-demo"
NOW = datetime(2026, 9, 21, 1, 0, tzinfo=UTC)
FORM_KEY = 900
FORM = {
    "components": [
        {
            "key": "outcome",
            "type": "radio",
            "values": [{"value": "accept", "label": "受理"}, {"value": "refuse", "label": "不予受理"}],
            "validate": {"required": True},
        },
        {"key": "opinion", "type": "textarea"},
    ],
    "id": "acceptance",
    "type": "default",
}

serial = itertools.count(1)


@dataclass
class Web:
    """A client of the whole application and what stands behind it."""

    client: TestClient
    database: Database
    tokens: dict[str, str] = field(default_factory=dict)

    def headers(self, username: str | None, **more: str) -> dict[str, str]:
        """Return the headers of a signed-in account; each signs in once."""
        if username is None:
            return more
        if username not in self.tokens:
            answer = self.client.post("/api/v1/login", json={"username": username, "password": PASSWORD})
            assert answer.status_code == 200, answer.text
            self.tokens[username] = answer.json()["access_token"]
        return {"Authorization": f"Bearer {self.tokens[username]}", **more}

    def get(self, path: str, username: str | None = None, **parameters: Any) -> Any:
        """Get an address of the API."""
        return self.client.get(f"/api/v1{path}", headers=self.headers(username), params=parameters or None)

    def post(self, path: str, username: str | None = None, json: Any = None, **headers: str) -> Any:
        """Post JSON to an address of the API; ``Idempotency_Key`` is written with an underscore."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(f"/api/v1{path}", json=json, headers=self.headers(username, **named))

    def body(self, item: str = "W-01", area: str = "xingguo", **changes: Any) -> dict[str, Any]:
        """Return a complete submission for an item, as its guide asks."""
        guide = self.get(f"/items/{item}/guide").json()
        number = next(serial)
        return {
            "item": item,
            "area": area,
            "applicant": {
                "kind": "person",
                "name": "测试申请人",
                "id_type": "id_card",
                "id_number": id_card(number),
                "phone": "13800000000",
            },
            "project": f"测试项目{number}",
            "conditions": {one["key"]: good_answer(one) for one in guide["conditions"]},
            "materials": [
                {"name": one["name"], "copies": one["copies"], "kind": one["kind"], "present": True}
                for one in guide["materials"]
            ],
            **changes,
        }

    def submit(self, item: str = "W-01", area: str = "xingguo", **changes: Any) -> str:
        """Submit a complete case and return its number."""
        answer = self.post(
            "/cases",
            f"{area}.window",
            json=self.body(item, area, **changes),
            Idempotency_Key=f"key-{next(serial)}",
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["case_no"])

    def task(self, case_no: str, *groups: str) -> str:
        """Put a task of the case on the groups' lists, as the feed would, and return its id."""
        key = 10_000 + next(serial)
        created = NOW + timedelta(seconds=key)
        with self.database.transaction() as session:
            case = session.get_one(Case, case_no)
            session.add(
                Task(
                    key=key,
                    case_no=case_no,
                    process_id="acceptance",
                    process_instance_key=1,
                    element_id="Task_Accept",
                    element_instance_key=key,
                    name="受理审查",
                    item_name=case.item_name,
                    area=case.area,
                    candidate_groups=list(groups),
                    form_key=FORM_KEY,
                    created_at=created,
                    due_at=created,
                )
            )
            session.flush()
            session.add_all(
                TaskCandidate(task_key=key, group_name=group, due_at=created, created_at=created) for group in groups
            )
        return str(key)

    def process(self, case_no: str | None = None, process_id: str = "front-window") -> int:
        """Record an instance that stands at one element with an incident, as the feed would; return its key."""
        key = 1_000_000 + next(serial) * 10
        with self.database.transaction() as session:
            if session.get(ProcessDefinition, 1) is None:
                session.add(
                    ProcessDefinition(
                        key=1,
                        process_id=process_id,
                        version=3,
                        name="服务窗口前移",
                        resource_name=f"{process_id}.bpmn",
                        checksum="0",
                        xml="<definitions/>",
                        deployed_at=NOW,
                    )
                )
            session.add(ProcessInstance(key=key, case_no=case_no, process_id=process_id, version=3, started_at=NOW))
            for offset, element, state in (
                (1, "StartEvent", InstanceState.COMPLETED),
                (2, "Task_Check", InstanceState.ACTIVE),
            ):
                session.add(
                    ElementVisit(
                        key=key + offset,
                        process_instance_key=key,
                        process_id=process_id,
                        element_id=element,
                        element_type="SERVICE_TASK",
                        state=state,
                        started_at=NOW + timedelta(seconds=offset),
                    )
                )
            session.add(
                Incident(
                    key=key + 3,
                    process_instance_key=key,
                    element_id="Task_Check",
                    element_instance_key=key + 2,
                    job_key=key + 4,
                    kind="JOB_NO_RETRIES",
                    message="no more retries",
                    created_at=NOW,
                )
            )
        return key


def client_of(app: FastAPI) -> TestClient:
    """Return a client on the machine itself, to which a fault of the server is an answer."""
    return TestClient(app, raise_server_exceptions=False, client=("127.0.0.1", 50000))


@contextmanager
def web_over(databases: Databases, folder: Path, **settings: str) -> Iterator[Web]:
    """Serve a fresh copy of a prepared database; ``settings`` are environment variables without the prefix."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with databases.copy("prepared", _prepare, folder) as database:
        shutil.copytree(_keys(), folder, dirs_exist_ok=True)  # Made with the first database.
        with web_at(folder, database, **settings) as web:
            with database.transaction() as session:
                session.add(FormVersion(form_key=FORM_KEY, form_id="acceptance", version=1, definition=FORM))
            yield web


@contextmanager
def web_at(folder: Path, database: Database, **settings: str) -> Iterator[Web]:
    """Serve the database of a state directory as it is."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TONGQUAN_STATE_DIR", str(folder))
        environment.setenv("DATABASE_URL", database.url)
        for name, value in settings.items():
            environment.setenv(f"TONGQUAN_{name.upper()}", value)
        get_settings.cache_clear()
        try:
            app = create_app(get_settings(), database)
            yield Web(client_of(app), database)
        finally:
            get_settings.cache_clear()


@pytest.fixture(scope="module")
def web(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """Serve the application over a database of the module's own."""
    with web_over(databases, tmp_path_factory.mktemp("web")) as served:
        yield served


@lru_cache(maxsize=1)
def _keys() -> Path:
    """Return the state directory whose keys the prepared database was made with."""
    return Path(mkdtemp(prefix="tongquan-web-"))


def _prepare(url: str) -> None:
    """Prepare a database; its authority is made again where it is used, under that test's own data key."""
    setup.prepare(Settings(state_dir=_keys(), database_url=url))
    database = Database(url)
    with database.transaction() as session:
        session.execute(delete(AuthorityKey))
    database.dispose()
