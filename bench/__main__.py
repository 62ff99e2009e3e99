"""Run the benchmarks: ``python -m bench [--quick] [--only throughput,latency,memory,tasks,peer] [--write]``."""

import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from bench import latency, machine, peer, postgresql, tasklist
from bench.bare import BareEngine
from bench.figures import Spread, ratio
from bench.report import Report
from bench.settings import Plan, Sizes, read_command_line
from bench.side import ClosedLoop, Side
from bench.stack import Stack
from models.database import Database

SETTLE_SECONDS = 1.0


def main() -> int:
    """Measure what the command line asks for; return the exit status."""
    plan = read_command_line(sys.argv[1:])
    # What was started is stopped however the run ends; a shell's background job does not even hear Ctrl-C.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(130))
    if plan.wait_quiet and not machine.wait_until_quiet(plan.wait_quiet, tell):
        tell(f"the machine did not become quiet: load {machine.load():.1f}")
    report = Report(plan, machine.facts())
    folder = Path(tempfile.mkdtemp(prefix="tongquan-bench-"))
    try:
        run(plan, report, folder)
    finally:
        if not plan.keep:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"\n{report.markdown()}")
    if plan.write:
        report.write()
    return 0


def run(plan: Plan, report: Report, folder: Path) -> None:
    """Start what is asked for, measure, and stop it again."""
    with ExitStack() as started:
        stack = Stack(folder / "stack", item=plan.item, areas=plan.areas, threads=plan.sizes.threads)
        started.callback(stack.stop)
        tell("starting the whole stack")
        stack.start()
        if {"throughput", "latency"} & set(plan.only):
            bare = BareEngine(folder / "bare", threads=plan.sizes.threads)
            started.callback(bare.stop)
            tell("starting the bare engine")
            bare.start()
            measure_sides(plan, report, stack, bare)
        if "memory" in plan.only:
            measure_memory(plan, report, stack)
        copies = {
            size: tasklist.copy_of(folder / "stack" / "tongquan.db", folder / f"list-{size}" / "tongquan.db")
            for size in (plan.sizes.small_list, plan.sizes.large_list)
            if "tasks" in plan.only
        }
    if "tasks" in plan.only:
        measure_lists(plan, report, copies, folder)
    if "peer" in plan.only:
        measure_peer(plan, report, folder)


def measure_sides(plan: Plan, report: Report, stack: Stack, bare: BareEngine) -> None:
    """Warm both sides up, then measure them in turn."""
    sizes = plan.sizes
    sides: tuple[Side, ...] = (stack, bare)
    loops = {side.name: ClosedLoop(side, sizes.window, sizes.submitters) for side in sides}
    warm_up(sizes, stack, loops)
    messages = stack.messages()
    report.detail("messages published for a case", ", ".join(one["name"] for one in messages))
    bare.follow(messages)
    warm_up(sizes, bare, loops)
    if "throughput" in plan.only:
        measure_throughput(plan, report, stack, bare, loops)
    if "latency" in plan.only:
        report.loads.append(machine.load())
        tell("latency")
        ours = Spread.of(latency.first_task(stack, sizes.latency_samples))
        theirs = Spread.of(latency.first_job(bare, sizes.latency_samples))
        report.ratio("submit → first task listed, p99, over bare start → first job, p99", ours.p99 / theirs.p99, "≤ 3")
        report.ratio("the same, p50", ours.p50 / theirs.p50, "")
        report.detail("submit → first task listed", str(ours))
        report.detail("bare start → first job", str(theirs))
    for side in (stack, bare):
        failures = side.failures()
        if failures:
            tell(f"{side.name}: {len(failures)} failures, the first: {failures[0]}")
            report.detail(f"failed calls, {side.name}", str(len(failures)))


def warm_up(sizes: Sizes, side: Side, loops: dict[str, ClosedLoop]) -> None:
    """Run one side until its engine is warm, at the least until a case has finished."""
    done = loops[side.name].run(seconds=sizes.warm_up_seconds, cases=sizes.warm_up_cases)
    if not done.finished:
        done = loops[side.name].run(seconds=sizes.warm_up_seconds * 10, cases=1)
    tell(f"warm-up, {side.name}: {done.finished} cases, {done.rate:.1f}/s")


def measure_throughput(
    plan: Plan, report: Report, stack: Stack, bare: BareEngine, loops: dict[str, ClosedLoop]
) -> None:
    """Measure finished cases a second, in turn, and the processor time each part used for one.

    Processor time tells the same story on a machine that does other work as well: on a busy one the two ratios agree
    in so far as the processor is what limits both sides.
    """
    rates: dict[str, list[float]] = {stack.name: [], bare.name: []}
    used: dict[str, Counter[str]] = {stack.name: Counter(), bare.name: Counter()}
    finished: Counter[str] = Counter()
    for place in range(plan.sizes.rounds * 2):
        side = stack if place % 2 == 0 else bare
        time.sleep(SETTLE_SECONDS)
        report.loads.append(machine.load())
        before = {**side.cpu_seconds(), "clients": time.process_time()}
        result = loops[side.name].run(seconds=plan.sizes.round_seconds)
        after = {**side.cpu_seconds(), "clients": time.process_time()}
        used[side.name].update({name: after[name] - before.get(name, 0.0) for name in after})
        finished[side.name] += result.finished
        rates[side.name].append(result.rate)
        tell(f"round {place // 2 + 1}, {side.name}: {result.finished} cases, {result.rate:.2f}/s")
        if result.failures:
            tell(f"{side.name}: {result.failures[0]}")
    report.ratio("finished cases/s, whole stack over bare engine", ratio(rates[stack.name], rates[bare.name]), "≥ 0.5")
    for name, found in rates.items():
        report.detail(f"finished cases/s, {name}", ", ".join(f"{one:.2f}" for one in found))
    costs = {name: sum(used[name].values()) / max(finished[name], 1) for name in rates}
    report.ratio("processor time a case, bare engine over whole stack", costs[bare.name] / costs[stack.name], "")
    for name in rates:
        parts = ", ".join(
            f"{part} {seconds / max(finished[name], 1) * 1000:.0f}" for part, seconds in used[name].most_common()
        )
        report.detail(f"processor time a case, {name}", f"{costs[name] * 1000:.0f} ms: {parts}")


def measure_memory(plan: Plan, report: Report, stack: Stack) -> None:
    """Measure what cases that wait for their first task add to each process and to the database."""
    tell("memory of waiting cases")
    before, size = stack.memory(), stack.database_bytes()
    for _ in range(plan.sizes.waiting_cases):
        stack.submit_case()
    time.sleep(2)
    after = stack.memory()
    grown = (after[name] - before.get(name, 0) for name in after)
    report.detail(
        f"resident memory, {plan.sizes.waiting_cases} waiting cases more",
        ", ".join(f"{name} {after[name] / 2**20:.0f} MB" for name in after)
        + f"; {sum(grown) / 1024 / plan.sizes.waiting_cases:.0f} KB more a case",
    )
    report.detail(
        "database, a waiting case", f"{(stack.database_bytes() - size) / 1024 / plan.sizes.waiting_cases:.0f} KB"
    )


def measure_lists(plan: Plan, report: Report, copies: dict[int, str], folder: Path) -> None:
    """Measure pages of small and large task lists on SQLite and, where it is installed, on PostgreSQL."""
    measure_server(plan, report, "SQLite", copies, folder)
    with postgresql.running(folder, tuple(copies)) as urls:
        if urls:
            measure_server(plan, report, "PostgreSQL", urls, folder)


def measure_server(plan: Plan, report: Report, server: str, urls: dict[int, str], folder: Path) -> None:
    """Measure one server's lists in turn, through the service and through HTTP."""
    pages = {size: tasklist.cursors(size, plan.sizes.pages, seed=1) for size in urls}
    with ExitStack() as opened:
        ways: dict[str, list[tuple[tasklist.Reader, list[tasklist.Page]]]] = {"service": [], "HTTP": []}
        for size, url in urls.items():
            tell(f"task list of {size:,} on {server}")
            database = Database(url)
            opened.callback(database.dispose)
            tasklist.fill(database, size)
            ways["service"].append((tasklist.through_service(database), pages[size]))
            base = opened.enter_context(tasklist.web_over(url, folder / "stack"))
            ways["HTTP"].append((tasklist.through_http(base), pages[size]))
        for way, lists in ways.items():
            report.loads.append(machine.load())
            spreads = dict(zip(urls, map(Spread.of, tasklist.by_turns(lists)), strict=True))
            for size, spread in spreads.items():
                report.detail(f"page of {size:,} tasks, {server}, {way}", str(spread))
            small, large = spreads
            value = spreads[large].p95 / spreads[small].p95
            report.ratio(f"task page p95, {large:,} over {small:,} tasks, {server}, {way}", value, "≤ 1.5")


def measure_peer(plan: Plan, report: Report, folder: Path) -> None:
    """Measure the peer, or say that it is not installed."""
    tell("peer: SpiffWorkflow")
    report.loads.append(machine.load())
    try:
        rate = peer.rate(folder / "peer", plan.sizes.peer_seconds)
    except peer.PeerMissing:
        tell("SpiffWorkflow is not installed: pip install --require-hashes -r requirements-bench.lock")
        return
    report.detail(f"finished cases/s, SpiffWorkflow, {peer.PROCESSES} processes, library alone", f"{rate:.1f}")


def tell(text: str) -> None:
    """Say what is going on."""
    print(f"· {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
