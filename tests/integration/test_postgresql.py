"""The product on PostgreSQL: the schema, the seeds, and a case of each mode from submission to its end."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy

from tests.instance import Instance, run, start

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def database_url(postgres_url: str) -> str:
    """Make a database of its own in the run's server."""
    engine = sqlalchemy.create_engine(
        postgres_url.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.exec_driver_sql("DROP DATABASE IF EXISTS product WITH (FORCE)")
        connection.exec_driver_sql("CREATE DATABASE product")
    engine.dispose()
    return postgres_url.rsplit("/", 1)[0] + "/product"


@pytest.fixture(scope="module")
def running(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """Start an instance on PostgreSQL."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", database_url)
        instance = start(tmp_path_factory.mktemp("postgresql"))
        yield instance
        instance.stop()


@pytest.mark.parametrize(("item", "area"), [("W-25", "ruijin"), ("D-12", "zhanggong"), ("S-22", "rongjiang")])
def test_a_case_of_each_mode_ends_approved(running: Instance, item: str, area: str) -> None:
    case = running.finish(running.submit(item, area))
    assert case["state"]["code"] == 11
    assert len(case["certificates"]) == 1


def test_the_audit_chain_vouches_for_all_that_the_cases_left(running: Instance) -> None:
    """The bridge has written heads, and every paper, opinion and line is as it was sealed."""
    running.finish(running.submit("S-22", "rongjiang"))
    done = run("verify-audit", "--state-dir", str(running.state_dir))
    assert done.returncode == 0, done.stdout
    assert "审计链完整" in done.stdout
    exposed = [path for path in (running.state_dir, *running.state_dir.rglob("*")) if path.lstat().st_mode & 0o077]
    assert exposed == []


def test_eight_requests_at_once_with_one_key_are_one_case(running: Instance) -> None:
    body = running.body("W-25", "ruijin")
    client = running.api("ruijin.window")

    def send(_: int) -> tuple[int, str]:
        answer = client.post("/cases", json=body, headers={"Idempotency-Key": "at-once"})
        return answer.status_code, answer.json().get("case_no", answer.text)

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(send, range(8)))
    assert sorted(status for status, _ in answers) == [200] * 7 + [201]
    assert len({case_no for _, case_no in answers}) == 1
