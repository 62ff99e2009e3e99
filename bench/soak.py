"""Faults that take minutes, under load: ``python -m bench.soak [--minutes 30] [--write]`` (``make soak``).

One instance on loopback, people who keep cases open and do again what failed, and one fault after the other. A fault
is over when a case submitted after it has its first task on a list. At the end no more is submitted, everybody finishes
what is open, and it is counted: cases in are cases out, and every effect is one. Nothing is restarted by hand. No fault
begins after the time, and the run ends by itself; the exit status is 1 when the count does not agree.
"""

import argparse
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import httpx
import psutil

from bench import machine
from bench.figures import table
from bench.report import with_section
from bench.soak_people import People
from bench.stack import Stack, cpu_seconds
from bench.tally import Tally
from engine.embedded import READINESS_PATH
from engine.loopback import loopback_client
from engine.partitions import led_partitions
from ops.instance import InstanceDirectory

SOAK = Path(__file__).with_name("SOAK.md")
ITEM, AREAS = "W-25", ("xingguo", "yudu")
WINDOW, CLERKS = 24, 2
OUTAGE_SECONDS = 600.0
OUTAGE_SHARE = 0.34
"""At most this share of the whole time: the outage is shorter in a shorter run."""
LOAD_SHARE = 0.06
KEPT_SECONDS = 25.0
"""Longer than any part waits for the database before it says so."""
PATIENCE_SECONDS = 900.0
LOOK_SECONDS = 0.2
PARTS = ("engine", "bridge", "workers", "web")
COUNTS = ("first", "second", "third")


@dataclass
class Soak:
    """One run: the instance, its people, and what was found."""

    stack: Stack
    people: People
    minutes: float
    rows: list[tuple[str, ...]] = field(default_factory=list)

    def run(self) -> None:
        """Make one fault after the other until the time is up; what was not reached is reported."""
        away = min(OUTAGE_SECONDS, self.minutes * 60 * OUTAGE_SHARE)
        faults: list[tuple[str, Callable[[], None]]] = [
            *((f"engine killed, {count} time in a row", partial(self.kill, "engine")) for count in COUNTS),
            ("all parts killed at once", partial(self.kill, *PARTS)),
            (f"engine away for {away:.0f} s", partial(self.outage, away)),
            *((f"{part} killed", partial(self.kill, part)) for part in PARTS[1:]),
            (f"database kept by another for {KEPT_SECONDS:.0f} s", self.keep_database),
        ]
        until = time.monotonic() + self.minutes * 60
        self.load("load before the first fault")
        for name, make in faults:
            if time.monotonic() < until:
                self.fault(name, make)
            else:
                self.tell(name, "–", "not reached: the time was up")
        self.load("load after the last fault")

    def load(self, name: str) -> None:
        """Let people work undisturbed."""
        before, begun = self.stack.finished(), time.monotonic()
        time.sleep(self.minutes * 60 * LOAD_SHARE)
        rate = (self.stack.finished() - before) / (time.monotonic() - begun)
        self.tell(name, "–", f"{rate:.2f} cases finished a second")

    def fault(self, name: str, make: Callable[[], None]) -> None:
        """Make a fault and measure how long after its end a fresh case takes to its first task.

        Where the engine starts anew, its start time measures the machine and is reported with what it had to repeat.
        """
        repeated, before = self.repeated(), self.child("engine")
        make()
        begun = time.monotonic()
        case_no = self.people.submit_one()
        started: float | None = None

        def over() -> bool:
            nonlocal started
            if started is None and self.engine_is_up():
                started = time.monotonic() - begun
            return self.has_moved(case_no)

        self.wait(f"recovery after {name}", over)
        seconds = time.monotonic() - begun
        beside = f"load {machine.load():.1f}"
        engine = self.child("engine")
        if engine is not None and engine != before and started:
            beside = (
                f"engine's own start {started:.1f} s, recovery {seconds / started:.1f} times that; places of the log "
                f"read or sent again {repeated}; engine's processor time {cpu_seconds(engine.pid):.0f} s; {beside}"
            )
        self.tell(name, f"{seconds:.1f}", beside)

    def repeated(self) -> int:
        """Return how much of its log the engine would repeat after a crash now."""
        positions = led_partitions(self.management) or {}
        return max((one.repeated_after_a_crash for one in positions.values()), default=0)

    def engine_is_up(self) -> bool:
        """Tell whether the engine says that it has started; it may still read its log."""
        try:
            answer = loopback_client().get(f"{self.management}{READINESS_PATH}", timeout=1)
        except httpx.HTTPError:
            return False
        return answer.is_success

    @property
    def management(self) -> str:
        """Return the engine's management port."""
        return self.stack.record.environment["TONGQUAN_ZEEBE_MANAGEMENT_ADDRESS"]

    def has_moved(self, case_no: str) -> bool:
        """Tell whether a case has or had a task."""
        try:
            case = self.stack.account("city.coordinator").connection.get(f"/cases/{case_no}")
        except Exception:
            return False
        return bool(case["tasks"] or case["opinions"])

    def kill(self, *names: str) -> None:
        """Kill parts, all before any is waited for."""
        victims = [one for one in map(self.child, names) if one is not None]
        for victim in victims:
            victim.kill()
        psutil.wait_procs(victims)

    def outage(self, seconds: float) -> None:
        """Kill the engine whenever it runs."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.kill("engine")
            time.sleep(LOOK_SECONDS)

    def keep_database(self) -> None:
        """Hold the database's write lock."""
        path = str(self.stack.database.engine.url.database)
        with closing(sqlite3.connect(path, timeout=PATIENCE_SECONDS, isolation_level=None)) as stranger:
            stranger.execute("BEGIN IMMEDIATE")
            time.sleep(KEPT_SECONDS)
            stranger.execute("ROLLBACK")

    def finish(self) -> Tally:
        """Let everybody finish, and count."""
        self.people.submit_no_more()
        self.wait("the last case", lambda: self.stack.finished() >= len(set(self.people.submitted)))
        self.wait("the engine to leave the last case", lambda: Tally.of(self.stack.database).is_settled)
        return Tally.of(self.stack.database)

    def wait(self, what: str, condition: Callable[[], bool]) -> None:
        """Wait for something that must come.

        Raises:
            TimeoutError: it did not.
        """
        until = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            if time.monotonic() > until:
                raise TimeoutError(f"not in {PATIENCE_SECONDS:.0f} s: {what}")
            time.sleep(LOOK_SECONDS)

    def child(self, name: str) -> psutil.Process | None:
        """Return a part of the instance, None while it is not there."""
        record = InstanceDirectory(self.stack.state_dir).run()
        found = next((one.process for one in record.children if one.name == name), None) if record else None
        return found.find() if found is not None else None

    def tell(self, *row: str) -> None:
        """Note a row of the table and say it."""
        self.rows.append(row)
        print(f"· {' | '.join(row)}", file=sys.stderr, flush=True)


def main() -> int:
    """Run the faults; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30, help="no fault begins after so long")
    parser.add_argument("--write", action="store_true", help="add the table to SOAK.md")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(130))
    folder, begun = Path(tempfile.mkdtemp(prefix="tongquan-soak-")), datetime.now(UTC)
    stack = Stack(folder / "stack", item=ITEM, areas=AREAS, threads=1)
    try:
        stack.start()
        soak = Soak(stack, People(stack, stack.groups, WINDOW, CLERKS), options.minutes)
        try:
            soak.run()
            tally = soak.finish()
        finally:
            soak.people.end()
    finally:
        stack.stop()
        shutil.rmtree(folder, ignore_errors=True)
    told = section(soak, tally, begun)
    print(f"\n{told}")
    if options.write:
        SOAK.write_text(with_section(SOAK.read_text(encoding="utf-8"), told), encoding="utf-8")
    return 0 if tally.agrees(soak.people.submitted) else 1


def section(soak: Soak, tally: Tally, begun: datetime) -> str:
    """Return the Markdown of a run."""
    facts = "; ".join(f"{label} {value}" for label, value in machine.facts().items())
    people = soak.people
    lines = [
        f"## {begun:%Y-%m-%d %H:%M} UTC, {soak.minutes:.0f} minutes",
        "",
        table(("fault", "seconds to a fresh case's first task", "beside it"), soak.rows),
        "",
        table(("counted at the end", ""), tally.rows(people.submitted)),
        "",
        f"- {'All agrees' if tally.agrees(people.submitted) else 'IT DOES NOT AGREE'}; nothing was restarted by hand. "
        f"People had to do {people.repeated} things again while a part was away.",
        f"- Machine: {facts}.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
