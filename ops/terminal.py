"""What is said on the terminal: one line per fact, progress that fits a log file as well as a screen."""

import sys
import time
from dataclasses import dataclass, field

PROGRESS_SECONDS = 0.2
LOGGED_STEP_PERCENT = 10


def say(text: str = "") -> None:
    """Print one line at once, so that a log file being followed shows it."""
    print(text, flush=True)


def complain(text: str) -> None:
    """Print what went wrong, as one sentence, on standard error."""
    print(f"✗ {text}", file=sys.stderr, flush=True)


@dataclass
class DownloadProgress:
    """Show the bytes so far: rewritten in place on a terminal, every tenth in a log file."""

    label: str
    shown_at: float = field(default=0.0, init=False)
    shown_percent: int = field(default=-LOGGED_STEP_PERCENT, init=False)

    def __call__(self, done: int, total: int) -> None:
        """Report ``done`` of ``total`` bytes."""
        percent = 100 * done // total if total else 0
        finished = done >= total
        line = f"  {self.label} {done / 1e6:.0f} / {total / 1e6:.0f} MB（{percent}%）"
        if sys.stdout.isatty():
            now = time.monotonic()
            if finished or now - self.shown_at >= PROGRESS_SECONDS:
                self.shown_at = now
                print(f"\r{line}", end="\n" if finished else "", flush=True)
        elif percent - self.shown_percent >= LOGGED_STEP_PERCENT or (finished and self.shown_percent < 100):
            self.shown_percent = percent
            say(line)
