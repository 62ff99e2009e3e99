"""Progress: what moves is slow, what does not is stuck, and only the latter is counted."""

import os
from pathlib import Path

from engine.progress import Progress, signs_of


class Clock:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def test_only_the_time_without_any_change_counts() -> None:
    clock = Clock()
    progress = Progress(clock)
    assert progress.still_seconds((1, 10)) == 0
    clock.seconds += 170
    assert progress.still_seconds((1, 10)) == 170
    clock.seconds += 9
    assert progress.still_seconds((1, 11)) == 0
    clock.seconds += 5000
    assert progress.still_seconds((2, 11)) == 0
    clock.seconds += 7
    assert progress.still_seconds((2, 11)) == 7


def test_the_signs_of_a_process_are_its_work_and_its_logs(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    before = signs_of(os.getpid(), log)
    log.write_text("a line\n")
    after = signs_of(os.getpid(), log)
    assert before[1] == -1
    assert after[1] == 7
    assert after[0] >= before[0] >= 0
    assert signs_of(2**22 + 7, log) == (-1, 7)
