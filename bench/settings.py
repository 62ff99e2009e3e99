"""The sizes of one run: the defaults keep it within fifteen minutes on a quiet two-core machine, ``--quick`` three."""

import argparse
from dataclasses import dataclass, fields

FIGURES = ("throughput", "latency", "memory", "tasks", "peer")


@dataclass(frozen=True)
class Sizes:
    """What a run measures and how much of it; durations in seconds."""

    warm_up_cases: int = 600
    warm_up_seconds: float = 240.0
    round_seconds: float = 25.0
    rounds: int = 4
    window: int = 64
    threads: int = 6
    submitters: int = 2
    latency_samples: int = 200
    waiting_cases: int = 300
    small_list: int = 10_000
    large_list: int = 1_000_000
    pages: int = 420
    peer_seconds: float = 10.0


QUICK = Sizes(
    warm_up_cases=100,
    warm_up_seconds=40.0,
    round_seconds=8.0,
    rounds=2,
    window=32,
    latency_samples=50,
    waiting_cases=50,
    large_list=200_000,
    pages=120,
    peer_seconds=3.0,
)


@dataclass(frozen=True)
class Plan:
    """One run as the command line asks for it."""

    sizes: Sizes
    only: tuple[str, ...]
    item: str
    areas: tuple[str, ...]
    quick: bool
    write: bool
    keep: bool
    wait_quiet: float


def read_command_line(arguments: list[str]) -> Plan:
    """Return the plan; a size named on the command line overrules the defaults or ``--quick``'s."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes: at most three minutes, rough figures")
    parser.add_argument("--only", default=",".join(FIGURES), help=f"some of {','.join(FIGURES)}")
    parser.add_argument("--item", default="W-25", help="an item of the window mode")
    parser.add_argument("--areas", default="xingguo,yudu", help="the counties that submit it")
    parser.add_argument("--write", action="store_true", help="add the results to bench/RESULTS.md")
    parser.add_argument("--keep", action="store_true", help="leave the run's folder")
    parser.add_argument("--wait-quiet", type=float, default=0.0, metavar="SECONDS", help="wait for a quiet machine")
    for one in fields(Sizes):
        parser.add_argument(f"--{one.name.replace('_', '-')}", type=type(one.default), default=None)
    given = parser.parse_args(arguments)
    only = tuple(name for name in given.only.split(",") if name)
    unknown = set(only) - set(FIGURES)
    if unknown:
        parser.error(f"--only: {', '.join(sorted(unknown))}: none of {', '.join(FIGURES)}")
    base = QUICK if given.quick else Sizes()
    chosen = {one.name: getattr(given, one.name) for one in fields(Sizes) if getattr(given, one.name) is not None}
    sizes = Sizes(**{one.name: chosen.get(one.name, getattr(base, one.name)) for one in fields(Sizes)})
    areas = tuple(given.areas.split(","))
    return Plan(sizes, only, given.item, areas, given.quick, given.write, given.keep, given.wait_quiet)
