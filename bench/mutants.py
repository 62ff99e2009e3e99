"""How many faults the unit tests notice: ``python -m bench.mutants [--minutes 20] [--only PATH ...] [--write]``.

mutmut puts small faults into the modules that hold rules, one at a time, and runs the unit tests that pass there. A
module is tried whole, in the order of ``pyproject.toml``, until the time is up; what was not reached is reported, not
guessed. Mutants without a unit test are counted apart: the process and integration tests may still notice them.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bench import machine
from bench.figures import table
from bench.report import RESULTS, with_section
from settings import PROJECT_ROOT

_PROJECT = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MODULES: tuple[str, ...] = tuple(_PROJECT["tool"]["mutmut"]["only_mutate"])
"""Where the rules are, the most important first: mutmut's own setting."""

WORK = PROJECT_ROOT / "mutants"
"""mutmut's own folder: mutated copies and what became of each mutant."""

STATUS = {0: "survived", 1: "killed", 3: "killed", 5: "no test", 33: "no test"}
TIMEOUTS = frozenset({36, 24, -24, 152, 255})
"""Exit statuses of mutmut's workers; a mutant that never comes back is noticed too."""

GRACE_SECONDS = 60


@dataclass
class Outcome:
    """What became of the mutants of one module."""

    module: str
    statuses: Counter[str] = field(default_factory=Counter)
    survivors: list[str] = field(default_factory=list)

    @property
    def tried(self) -> int:
        """Return how many mutants a test could have noticed."""
        return self.statuses["killed"] + self.statuses["timeout"] + self.statuses["survived"]

    def row(self) -> tuple[str, ...]:
        """Return the module's row in the table."""
        noticed = self.statuses["killed"] + self.statuses["timeout"]
        share = f"{noticed / self.tried:.0%}" if self.tried else "–"
        counts = (self.statuses.total(), self.tried, noticed, self.statuses["survived"], self.statuses["no test"])
        return (self.module, *map(str, counts), share)


def status_of(exit_code: int | None) -> str:
    """Return what an exit status of mutmut's worker means."""
    if exit_code is None or exit_code == 2:
        return "not tried"
    return "timeout" if exit_code in TIMEOUTS else STATUS.get(exit_code, "killed")


def outcome_of(module: str) -> Outcome:
    """Read what became of a module's mutants."""
    outcome = Outcome(module)
    path = WORK / f"{module}.meta"
    codes = json.loads(path.read_text())["exit_code_by_key"] if path.exists() else {}
    for name, exit_code in codes.items():
        status = status_of(exit_code)
        outcome.statuses[status] += 1
        if status == "survived":
            outcome.survivors.append(name)
    return outcome


def names_in(module: str) -> str:
    """Return the pattern that fits the names of a module's mutants."""
    return module.removesuffix(".py").replace("/", ".") + ".x*"


def try_module(module: str, children: int, seconds: float) -> None:
    """Run mutmut over one module; interrupt it when the time is up, which keeps what was found."""
    command = [str(Path(sys.executable).with_name("mutmut")), "run", "--max-children", str(children), names_in(module)]
    running = subprocess.Popen(command, cwd=PROJECT_ROOT, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    try:
        running.wait(seconds)
    except subprocess.TimeoutExpired:
        running.send_signal(signal.SIGINT)
        running.wait(GRACE_SECONDS)
    finally:
        if running.poll() is None:
            running.kill()


def section(outcomes: list[Outcome], begun: datetime, minutes: float, loads: list[float]) -> str:
    """Return the Markdown of a run."""
    whole = Outcome("all")
    for outcome in outcomes:
        whole.statuses += outcome.statuses
    header = ("module", "mutants", "tried", "noticed", "survived", "no unit test", "noticed of tried")
    lines = [
        f"## {begun:%Y-%m-%d %H:%M} UTC, mutants",
        "",
        table(header, [one.row() for one in [*outcomes, whole] if one.statuses]),
        "",
        f"- {minutes:.0f} minutes; load average {min(loads):.1f}–{max(loads):.1f} (other work included).",
    ]
    unreached = [one.module for one in outcomes if not one.statuses or one.statuses["not tried"]]
    if unreached:
        lines.append(f"- Not tried, or not whole, for want of time: {', '.join(unreached)}.")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Try the modules one after another until the time is up; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.mutants", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--only", nargs="+", choices=MODULES, default=MODULES, metavar="PATH")
    parser.add_argument("--children", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--write", action="store_true", help="add the figures to RESULTS.md")
    options = parser.parse_args()
    shutil.rmtree(WORK, ignore_errors=True)
    begun, started = datetime.now(UTC), time.monotonic()
    outcomes, loads = [], [machine.load()]
    for module in options.only:
        left = options.minutes * 60 - (time.monotonic() - started)
        if left > 0:
            try_module(module, options.children, left)
            loads.append(machine.load())
        outcomes.append(outcome_of(module))
    told = section(outcomes, begun, (time.monotonic() - started) / 60, loads)
    print(f"\n{told}")
    for name in (name for outcome in outcomes for name in outcome.survivors):
        print(f"survived: {name}   (.venv/bin/mutmut show {name})")
    if options.write:
        RESULTS.write_text(with_section(RESULTS.read_text(encoding="utf-8"), told), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
