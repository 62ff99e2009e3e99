"""Moving the clock: every timer fires at its own instant, running work is waited for, and a crash is survived."""

import signal
from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, select

from engine.clock import engine_now
from engine.embedded import start_embedded
from models.clock_state import AdvanceStatus, ClockAdvance, ClockState
from models.engine_state import EngineTimer, InstanceState, ProcessInstance
from services.clock import CLOCK_ROW, machine_now
from tests.instance import eventually
from tests.integration.stack import Stack

pytestmark = pytest.mark.engine
DAY = timedelta(days=1)


def now(stack: Stack) -> datetime:
    offset = stack.look(lambda s: s.get_one(ClockState, CLOCK_ROW).offset_ms)
    return machine_now() + timedelta(milliseconds=offset)


def ask(stack: Stack, span: timedelta) -> int:
    with stack.database.transaction() as session:
        advance = ClockAdvance(seconds=span.total_seconds(), requested_by="t", requested_at=machine_now())
        session.add(advance)
        session.flush()
        assert advance.id is not None
        return advance.id


def state_of(stack: Stack, advance: int) -> ClockAdvance:
    return stack.look(lambda s: s.get_one(ClockAdvance, advance))


def done(stack: Stack, advance: int) -> ClockAdvance:
    eventually(lambda: state_of(stack, advance).status is not AdvanceStatus.PENDING, f"advance {advance}", 120)
    return state_of(stack, advance)


def begin(stack: Stack, case_no: str, wait: str) -> datetime:
    """Start a process that notes something after ``wait`` and again a day later; return when it began."""
    before = open_timers(stack)
    stack.publish("bridge-timers", case_no, wait=wait)
    eventually(lambda: open_timers(stack) > before, "timer of the new instance")
    return now(stack)


def open_timers(stack: Stack) -> int:
    return stack.look(lambda s: len(s.exec(select(EngineTimer.key)).all()))


def notes(stack: Stack, case_no: str) -> list[datetime]:
    key = stack.look(lambda s: s.exec(select(ProcessInstance.key).where(ProcessInstance.case_no == case_no)).one())
    return [at for _, instance, at in stack.jobs if instance == key]


def close_to(actual: datetime, expected: datetime) -> bool:
    return abs(actual - expected) < timedelta(seconds=20)


def test_five_days_pass_and_every_timer_fires_once_at_its_own_instant(stack: Stack) -> None:
    begun = {case_no: begin(stack, case_no, wait) for case_no, wait in WAITS.items()}
    start = now(stack)
    advance = done(stack, ask(stack, 5 * DAY))
    assert advance.status is AdvanceStatus.DONE, advance.error
    assert close_to(now(stack), start + 5 * DAY)
    for case_no, (first, second) in EXPECTED.items():
        seen = notes(stack, case_no)
        wanted = [begun[case_no] + span for span in (first, second) if span < 5 * DAY]
        assert len(seen) == len(wanted), case_no
        assert all(close_to(*pair) for pair in zip(seen, wanted, strict=True)), (case_no, seen, wanted)


WAITS = {"T1": "P1D", "T2": "P1D", "T3": "PT30H", "T4": "PT100H", "T5": "P9D"}
EXPECTED = {
    "T1": (DAY, 2 * DAY),
    "T2": (DAY, 2 * DAY),
    "T3": (30 * DAY / 24, 54 * DAY / 24),
    "T4": (100 * DAY / 24, 124 * DAY / 24),
    "T5": (9 * DAY, 10 * DAY),
}


def test_when_an_advance_is_done_both_exporters_have_told_everything(stack: Stack) -> None:
    begin(stack, "T6", "PT1H")
    assert done(stack, ask(stack, 2 * DAY)).status is AdvanceStatus.DONE

    def ended(session: Session) -> bool:
        row = session.exec(select(ProcessInstance).where(ProcessInstance.case_no == "T6")).one()
        return row.state is InstanceState.COMPLETED

    assert stack.look(ended)


def test_an_advance_interrupted_by_a_crash_of_bridge_and_engine_is_finished(stack: Stack) -> None:
    begun = begin(stack, "T7", "P3D")
    advance = ask(stack, 6 * DAY)
    eventually(lambda: state_of(stack, advance).target_at, "advance taken up")
    stack.stop_bridge(signal.SIGKILL)
    stack.engine.kill()
    offset = stack.look(lambda s: s.get_one(ClockState, CLOCK_ROW).offset_ms)
    stack.engine = start_embedded(stack.config, offset_ms=offset)
    stack.start_bridge()
    finished = done(stack, advance)
    assert finished.status is AdvanceStatus.DONE, finished.error
    seen = notes(stack, "T7")
    assert len(seen) == 2
    assert all(close_to(at, begun + span) for at, span in zip(seen, (3 * DAY, 4 * DAY), strict=True))
    assert close_to(engine_now(stack.config.management_address), now(stack))


def test_two_requests_are_carried_out_one_after_the_other(stack: Stack) -> None:
    start = now(stack)
    first, second = ask(stack, timedelta(hours=1)), ask(stack, timedelta(hours=2))
    assert done(stack, second).status is AdvanceStatus.DONE
    assert state_of(stack, first).status is AdvanceStatus.DONE
    assert close_to(now(stack), start + timedelta(hours=3))
