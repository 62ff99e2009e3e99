"""The benchmark's own arithmetic: percentiles, ratios, tables, cursors and the sizes of a run."""

import pytest
from sqlmodel import func, select

import models  # noqa: F401 - registers every table
from bench import figures, noop_workers, settings, stack, tasklist
from bench.bare import favourable_outcomes
from bench.report import with_section
from models.database import Database
from models.identity import identity_error
from models.task import TaskCandidate
from services.clock import machine_now
from settings import PROJECT_ROOT


def test_a_percentile_is_a_value_of_the_sample_at_the_nearest_rank() -> None:
    sample = [float(value) for value in range(1, 101)]
    assert figures.percentile(sample, 50) == 50
    assert figures.percentile(sample, 99) == 99
    assert figures.percentile(sample, 100) == 100
    assert figures.percentile([3.0], 50) == 3
    with pytest.raises(ValueError):
        figures.percentile([], 50)


def test_a_ratio_is_the_median_over_neighbouring_rounds() -> None:
    assert figures.ratio([1, 4, 9], [2, 4, 10]) == 0.9
    with pytest.raises(ValueError):
        figures.ratio([1], [1, 2])
    with pytest.raises(ValueError):
        figures.ratio([1], [0])


def test_a_spread_is_told_in_milliseconds() -> None:
    spread = figures.Spread.of([0.001, 0.002, 0.003, 0.010])
    assert (spread.count, spread.p50, spread.p99) == (4, 2, 10)


def test_a_table_lines_up_with_wide_characters() -> None:
    lines = figures.table(("项", "v"), [("a", "1"), ("中文", "22")]).splitlines()
    assert lines == ["| 项   | v  |", "|------|----|", "| a    | 1  |", "| 中文 | 22 |"]


def test_a_new_section_stands_before_the_older_ones() -> None:
    first = with_section("# Results\n\nWords.\n", "## one\n\na\n")
    second = with_section(first, "## two\n\nb\n")
    assert second == "# Results\n\nWords.\n\n## two\n\nb\n\n## one\n\na\n"


def test_quick_sizes_are_overruled_by_the_command_line() -> None:
    plan = settings.read_command_line(["--quick", "--rounds", "7", "--only", "tasks"])
    assert plan.quick
    assert plan.only == ("tasks",)
    assert plan.sizes.rounds == 7
    assert plan.sizes.large_list == settings.QUICK.large_list
    with pytest.raises(SystemExit):
        settings.read_command_line(["--only", "nothing"])


def test_invented_identity_numbers_are_valid_and_differ() -> None:
    from models.case import IdentityType

    numbers = [stack.id_card(number) for number in range(2000)]
    assert len(set(numbers)) == len(numbers)
    today = machine_now().date()
    assert {identity_error(IdentityType.ID_CARD, number, today) for number in numbers} == {None}


def test_the_bare_side_answers_as_the_models_ask() -> None:
    outcomes = favourable_outcomes(PROJECT_ROOT / "bpmn")
    assert outcomes["Task_DecideAcceptance"] == "accept"
    assert outcomes["Task_CityDecide"] == "approve"
    types = noop_workers.job_types(PROJECT_ROOT / "bpmn")
    assert set(noop_workers.ANSWERS) | noop_workers.TOLD <= set(types)
    assert noop_workers.answer_to("case-start") == {"claimed": True}
    assert noop_workers.answer_to("case-close") == {}


def test_every_page_of_a_filled_list_has_tasks(database: Database) -> None:
    tasklist.fill(database, 1200)
    with database.reading() as session:
        counted = session.exec(select(func.count()).select_from(TaskCandidate)).one()
    assert counted == 1200
    lists = [(tasklist.through_service(database), tasklist.cursors(size, 60, seed=3)) for size in (100, 1100)]
    durations = tasklist.by_turns(lists)
    assert [len(one) for one in durations] == [60 - tasklist.WARM_UP] * 2
