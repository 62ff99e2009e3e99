"""``kill -9`` in the middle of a case: nothing is lost, nothing is doubled, and it goes on by itself."""

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.parts import (
    PARTS,
    assert_in_is_out,
    assert_left,
    assert_nothing_given_up,
    assert_whole,
    end,
    until_ready,
)
from tests.instance import Instance

pytestmark = pytest.mark.engine

ITEM, AREA = "W-01", "xingguo"


@pytest.mark.parametrize("victim", ["workers", "bridge", "web"])
def test_cases_under_way_survive_the_death_of_a_part(running: Instance, victim: str) -> None:
    fresh = running.submit(ITEM, AREA)
    waiting = running.submit(ITEM, AREA)
    running.complete(waiting, "Task_DecideAcceptance", "accept")
    end(running, victim)
    until_ready(running, f"the death of {victim}")
    assert_whole(running.finish(waiting))
    assert_whole(running.finish(fresh))
    assert_left(running, waiting)


def test_cases_under_way_survive_the_death_of_all_parts_at_once(running: Instance) -> None:
    with ThreadPoolExecutor(4) as people:
        case_nos = list(people.map(lambda _: running.submit(ITEM, AREA), range(4)))
        accepted = [people.submit(running.complete, one, "Task_DecideAcceptance", "accept") for one in case_nos[:2]]
        for one in accepted:
            one.result()
    end(running, *PARTS)
    until_ready(running, "the death of all")
    assert_in_is_out(running, case_nos)
    assert_nothing_given_up(running)


def test_an_engine_killed_three_times_in_a_row_loses_and_doubles_nothing(running: Instance) -> None:
    waiting = running.submit(ITEM, AREA)
    running.complete(waiting, "Task_DecideAcceptance", "accept")
    case_nos = [waiting]
    for _ in range(3):
        case_nos.append(running.submit(ITEM, AREA))
        end(running, "engine")
    until_ready(running, "three deaths of the engine")
    assert_in_is_out(running, case_nos)
    assert_nothing_given_up(running)


def test_workers_asked_to_stop_while_jobs_arrive_hand_back_what_they_have_not_begun(running: Instance) -> None:
    with ThreadPoolExecutor(6) as people:
        submitting = [people.submit(running.submit, ITEM, AREA) for _ in range(6)]
        end(running, "workers", by=signal.SIGTERM)
        case_nos = [one.result() for one in submitting]
    until_ready(running, "the workers' stop")
    assert_in_is_out(running, case_nos)
    assert_nothing_given_up(running)
    log = (running.state_dir / "logs" / "workers.log").read_text(encoding="utf-8")
    assert "worker.jobs_abandoned" not in log
