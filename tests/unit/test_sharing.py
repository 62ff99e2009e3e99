"""How the run is shared out and what it judges at its end: neither may silently stop fitting the tests there are."""

import re
from collections import Counter
from pathlib import Path

import pytest

from settings import PROJECT_ROOT
from tests import distribution, model_coverage
from tests.distribution import group_of

FILES = sorted(str(path.relative_to(PROJECT_ROOT)) for path in (PROJECT_ROOT / "tests").rglob("test_*.py"))


PAST_THE_CHOICE = {
    "tests/faults/test_outages.py": "keeps SQLite's file from others, in a test that says so",
    "tests/integration/test_key_rotation.py": "looks at the run's database by the settings of the command it tries",
    "tests/unit/ops/test_production.py": "looks at the database where an instance has it that was told of no other",
    "tests/unit/workers/test_runtime.py": "makes SQLite's own errors",
}


def users_of(fixture: str) -> set[str]:
    """Return the groups of the files whose tests ask for a fixture."""
    asking = f"{fixture}: {fixture.title()}"
    return {
        group_of(f"{name}::test")
        for name in FILES
        if name != "tests/unit/test_sharing.py" and asking in (PROJECT_ROOT / name).read_text(encoding="utf-8")
    }


def test_files_that_share_an_engine_stay_on_one_worker() -> None:
    assert users_of("stack") == {"stack"}
    of_their_own = {
        "faults",
        "tests/integration/test_poison.py",
        "tests/integration/test_safe_keeping.py",
        "tests/integration/test_several_processes.py",
    }
    assert users_of("instance") <= {"processes", "browser", "operate", *of_their_own}


def test_every_line_of_the_table_fits_a_file() -> None:
    for beginning, _group in distribution.ON_ONE_ENGINE:
        assert any(name.startswith(beginning) for name in FILES), beginning


def test_a_run_that_visited_everything_passes(tmp_path: Path) -> None:
    report = model_coverage.judge(Counter(model_coverage.drawn()), tmp_path / "report.txt")
    assert (report.outcome, report.longrepr) == ("passed", None)
    assert (tmp_path / "report.txt").read_text().startswith(f"{len(model_coverage.drawn())} flow nodes, all visited\n")


def test_a_node_nobody_visited_fails_the_run_by_its_name(tmp_path: Path) -> None:
    visits = Counter(model_coverage.drawn())
    del visits["acceptance", "Task_DecideAcceptance"]
    report = model_coverage.judge(visits, tmp_path / "report.txt")
    assert (report.outcome, report.longrepr) == ("failed", "no test visited Task_DecideAcceptance of acceptance")
    assert "     0  acceptance  Task_DecideAcceptance\n" in (tmp_path / "report.txt").read_text()


@pytest.mark.parametrize("left_out", ["test_powers.py", "test_starting.py"])
def test_a_run_of_a_part_is_not_judged(left_out: str) -> None:
    ran = [path for path in model_coverage.PROCESS_TESTS.glob("test_*.py") if path.name != left_out]
    assert model_coverage.unseen_files(ran) == [left_out]


def test_no_test_opens_a_database_past_the_choice_of_the_run() -> None:
    opening = re.compile(r"\bDatabase\(|\bcreate_engine\(|\bsqlite3\.connect\(")
    about_sqlite = re.compile(r"^pytestmark = .*pytest\.mark\.sqlite\(", re.MULTILINE)
    sources = {name: (PROJECT_ROOT / name).read_text(encoding="utf-8") for name in FILES}
    found = {name for name, text in sources.items() if opening.search(text) and not about_sqlite.search(text)}
    assert found - {"tests/unit/test_sharing.py"} == PAST_THE_CHOICE.keys()


def test_no_test_imports_from_another_test() -> None:
    importing = re.compile(r"^from tests\.(?:\w+\.)*test_\w+ import", re.MULTILINE)
    assert [name for name in FILES if importing.search((PROJECT_ROOT / name).read_text(encoding="utf-8"))] == []
