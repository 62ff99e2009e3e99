"""The figures of one run as Markdown, for the terminal and for ``RESULTS.md``."""

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bench.figures import table
from bench.settings import Plan

RESULTS = Path(__file__).with_name("RESULTS.md")


@dataclass
class Report:
    """What a run found: the ratios first, then what they were made from."""

    plan: Plan
    machine: dict[str, str]
    begun: datetime = field(default_factory=lambda: datetime.now(UTC))
    ratios: list[tuple[str, str, str]] = field(default_factory=list)
    """Figure, measured ratio, what it is to be."""
    details: list[tuple[str, str]] = field(default_factory=list)
    loads: list[float] = field(default_factory=list)

    def ratio(self, figure: str, value: float, goal: str) -> None:
        """Add a ratio."""
        self.ratios.append((figure, f"{value:.2f}", goal))

    def detail(self, what: str, value: str) -> None:
        """Add a measurement behind the ratios."""
        self.details.append((what, value))

    def markdown(self) -> str:
        """Return the section of this run."""
        sizes = ", ".join(f"{name} {value:g}" for name, value in asdict(self.plan.sizes).items())
        loads = f"{min(self.loads):.1f}–{max(self.loads):.1f}" if self.loads else "unknown"
        lines = [
            f"## {self.begun:%Y-%m-%d %H:%M} UTC{', quick' if self.plan.quick else ''}",
            "",
            table(("figure", "ratio", "goal"), self.ratios) if self.ratios else "",
            "",
            table(("measured", "value"), self.details),
            "",
            f"- Machine: {'; '.join(f'{label} {value}' for label, value in self.machine.items())}.",
            f"- Load average a minute before each figure: {loads} (other work on the machine included).",
            f"- Item {self.plan.item} in {', '.join(self.plan.areas)}; {sizes}.",
        ]
        return "\n".join(lines) + "\n"

    def write(self) -> None:
        """Put the section behind the introduction of ``RESULTS.md``, newest first."""
        text = RESULTS.read_text(encoding="utf-8")
        RESULTS.write_text(with_section(text, self.markdown()), encoding="utf-8")


def with_section(text: str, section: str) -> str:
    """Return the results with a section put before the newest one, behind the introduction."""
    head, mark, rest = text.partition("\n## ")
    return f"{head.rstrip()}\n\n{section}" + (f"\n## {rest}" if mark else "")
