"""Sum up what was measured: percentiles, medians, ratios, and how a table of them is printed."""

import statistics
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """A sample of durations summed up, in milliseconds."""

    count: int
    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Spread":
        """Sum up durations given in seconds; an empty sample raises ``ValueError``."""
        return cls(len(seconds), *(percentile(seconds, share) * 1000 for share in (50, 95, 99)))

    def __str__(self) -> str:
        return f"p50 {self.p50:.1f} ms, p95 {self.p95:.1f} ms, p99 {self.p99:.1f} ms ({self.count} samples)"


def percentile(sample: Sequence[float], share: float) -> float:
    """Return the smallest value at or above ``share`` per cent of the sample (nearest rank)."""
    if not sample:
        raise ValueError("an empty sample has no percentile")
    ordered = sorted(sample)
    rank = -(-len(ordered) * share // 100)
    return ordered[max(0, min(len(ordered), int(rank)) - 1)]


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the median over neighbouring rounds of ours to theirs, so that a change of the machine's load cancels."""
    if len(ours) != len(theirs) or not ours:
        raise ValueError("rounds come in pairs")
    if not all(theirs):
        raise ValueError("a round of the other side finished nothing: measure longer rounds")
    return statistics.median(one / other for one, other in zip(ours, theirs, strict=True))


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table whose columns line up in a terminal too."""
    grid = [tuple(headers), *(tuple(row) for row in rows)]
    sizes = [max(_columns(row[place]) for row in grid) for place in range(len(headers))]
    lines = [
        "| " + " | ".join(_padded(cell, size) for cell, size in zip(row, sizes, strict=True)) + " |" for row in grid
    ]
    lines.insert(1, "|" + "|".join("-" * (size + 2) for size in sizes) + "|")
    return "\n".join(lines)


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _padded(text: str, size: int) -> str:
    return text + " " * (size - _columns(text))
