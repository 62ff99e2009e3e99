"""A state directory of an earlier release: its first start under this one brings all of it along."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from models.database import Database
from services import key_rotation, setup
from services.journal import seals
from settings import get_settings
from tests.databases import Databases
from tests.factories.earlier_release import make_it_an_earlier_releases
from tests.integration.web import web_at, web_over

pytestmark = pytest.mark.sqlite("the earlier release kept its database in the state directory")


@pytest.fixture
def left_behind(
    databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Path, dict[str, object], str, str]]:
    """Yield the directory of that release, an applicant in it, the case and its open task."""
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    with web_over(databases, folder) as web:
        setup.prepare(get_settings())
        body = web.body()
        case_no = web.post("/cases", "xingguo.window", json=body, Idempotency_Key="then").json()["case_no"]
        task = web.task(case_no, "xingguo.window")
    (folder / "keys" / "feed.password").write_text("of no use")
    make_it_an_earlier_releases(folder)
    monkeypatch.setenv("TONGQUAN_STATE_DIR", str(folder))
    get_settings.cache_clear()
    yield folder, body, case_no, task
    get_settings.cache_clear()


def test_its_people_are_encrypted_its_rows_sealed_and_its_open_work_goes_on(
    left_behind: tuple[Path, dict[str, object], str, str],
) -> None:
    folder, body, case_no, task = left_behind
    applicant = body["applicant"]
    assert isinstance(applicant, dict)
    assert applicant["id_number"].encode() in (folder / "tongquan.db").read_bytes()
    setup.prepare(get_settings())
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert not [path for path in files if applicant["id_number"].encode() in path.read_bytes()]
    database = Database(get_settings().effective_database_url)
    with web_at(folder, database) as web:
        shown = web.get(f"/cases/{case_no}", "xingguo.window").json()
        assert (shown["applicant"]["id_number"], shown["applicant"]["phone"]) == (
            applicant["id_number"],
            applicant["phone"],
        )
        assert task in [one["id"] for one in web.get("/tasks", "xingguo.window").json()["items"]]
        again = web.post("/cases", "xingguo.window", json=body, Idempotency_Key="then")
        assert (again.status_code, again.json()["case_no"]) == (200, case_no)
        twice = web.post("/cases", "xingguo.window", json=body, Idempotency_Key="now")
        assert (twice.status_code, twice.json()["code"]) == (409, "duplicate_open_case")
        with web.database.reading() as session:
            assert list(seals.verify(session)) == []
            assert not key_rotation.outdated(session)
    database.dispose()
