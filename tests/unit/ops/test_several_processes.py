"""Several processes of a kind: where they are refused, and how they are called."""

import pytest

from ops.instance import kind_of
from ops.up import require_sharing_database
from services.errors import SetupError
from settings import Settings

POSTGRESQL = "postgresql://tongquan@db.example/tongquan"


def test_several_bridges_are_refused_where_they_cannot_share_the_outbox() -> None:
    with pytest.raises(SetupError, match="TONGQUAN_BRIDGE_PROCESSES"):
        require_sharing_database(Settings(database_url="", bridge_processes=2))


@pytest.mark.parametrize(("url", "bridges"), [(POSTGRESQL, 2), ("", 1)])
def test_several_bridges_on_postgresql_and_one_on_sqlite_are_not(url: str, bridges: int) -> None:
    require_sharing_database(Settings(database_url=url, bridge_processes=bridges, worker_processes=2))


@pytest.mark.parametrize(("child", "kind"), [("workers", "workers"), ("workers-2", "workers"), ("bridge-12", "bridge")])
def test_a_numbered_child_is_of_its_kind(child: str, kind: str) -> None:
    assert kind_of(child) == kind
