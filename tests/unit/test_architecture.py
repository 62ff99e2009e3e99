"""The plan of the house: which package may import which, and which capability of ``services/`` may call which."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from settings import PROJECT_ROOT

PACKAGES = ("models", "papers", "catalog_data", "connectors", "services", "engine", "bridge", "workers", "api", "ops")
ALLOWED = {
    "models": {"models"},
    "papers": {"papers", "models"},
    "catalog_data": {"catalog_data", "models"},
    "engine": {"engine"},
    "connectors": {"connectors"},
    "services": {"services", "models", "papers", "catalog_data", "connectors", "settings"},
    "bridge": {"bridge", "services", "models", "engine", "connectors", "settings"},
    "workers": {"workers", "services", "models", "engine", "settings"},
    "api": {"api", "services", "models", "catalog_data", "connectors", "settings"},
}

GROUND = (
    "clock", "cursors", "encryption", "errors", "heartbeats", "hsm", "interpreter", "keys", "locks", "logs",
    "numbering", "paging", "process_cache", "rate_limits",
)  # fmt: skip
"""Modules beside the capabilities that all of them may use."""

PLAN = {
    # The roof: what starts an instance and what watches it.
    "health": {"process_engine", "setup", "witness"},
    "setup": {"accounts", "calendar", "catalogue", "journal", "key_rotation", "powers", "signatures"},
    "key_rotation": {"cases", "journal"},
    # What the engine did that nobody asked for.
    "deviations": {
        "accounts", "cases", "journal", "notifications", "process_engine", "takeovers", "tasks",
    },
    # What people see of a case, and powers that change hands.
    "casefile": {
        "accounts", "cases", "catalogue", "deadlines", "documents", "files", "journal", "powers", "supervision",
        "tasks", "witness",
    },
    "takeovers": {
        "accounts", "cases", "catalogue", "deadlines", "documents", "journal", "powers", "process_engine", "tasks",
    },
    "statistics": {"accounts", "catalogue"},
    # What stands open to everybody.
    "entrance": {"accounts", "documents", "journal", "notifications"},
    # Work on cases.
    "calendar": {"accounts", "cases", "deadlines", "journal", "process_engine"},
    "tasks": {"accounts", "cases", "catalogue", "certificates", "deadlines", "files", "journal", "process_engine"},
    "cases": {
        "accounts", "catalogue", "certificates", "deadlines", "documents", "files", "journal", "notifications",
        "powers", "process_engine", "supervision",
    },
    # What stands beside the cases: supervision, guidance, the powers themselves and their lists.
    "supervision": {
        "accounts", "catalogue", "deadlines", "journal", "notifications", "powers", "process_engine", "webhooks",
    },
    "guidance": {"accounts", "catalogue", "deadlines", "journal", "powers"},
    "publishing": {"accounts", "catalogue", "powers"},
    "powers": {"accounts", "catalogue", "deadlines", "journal", "notifications", "process_engine", "webhooks"},
    "witness": {"documents", "journal", "notifications", "webhooks"},
    "certificates": {"accounts", "catalogue", "deadlines", "documents", "journal", "webhooks"},
    # What every capability uses.
    "files": {"accounts", "journal"},
    "deadlines": {"catalogue", "process_engine"},
    "webhooks": {"accounts", "documents", "journal"},
    "notifications": {"accounts", "catalogue"},
    "documents": {"catalogue", "journal", "signatures"},
    "signatures": {"accounts", "journal"},
    "process_engine": {"accounts", "journal"},
    "catalogue": set(),
    "accounts": {"journal"},
    "journal": set(),
}  # fmt: skip
"""The capabilities from the top floor down, and which of those below each may call."""


@pytest.mark.parametrize("package", ALLOWED)
def test_arrows_point_one_way(package: str) -> None:
    wrong = [
        f"{path.relative_to(PROJECT_ROOT)} imports {target}"
        for path in (PROJECT_ROOT / package).rglob("*.py")
        if "migrations" not in path.parts
        for target in imported(path)
        if target in (*PACKAGES, "settings", "cli") and target not in ALLOWED[package]
    ]
    assert not wrong


def test_the_plan_has_no_arrow_up_and_so_no_circle() -> None:
    floors = list(PLAN)
    up = [
        f"{room} → {below}"
        for room, rooms in PLAN.items()
        for below in rooms
        if floors.index(below) <= floors.index(room)
    ]
    assert not up


def test_capabilities_call_what_the_plan_allows_and_nothing_else() -> None:
    drawn = {(room, below) for room, rooms in PLAN.items() for below in rooms}
    found: dict[tuple[str, str], str] = {}
    for path in sorted((PROJECT_ROOT / "services").rglob("*.py")):
        room = room_of(path)
        for target in services_imported(path):
            if target != room and target not in GROUND:
                found[room, target] = f"services/{path.relative_to(PROJECT_ROOT / 'services')} calls {target}"
    assert not [told for arrow, told in found.items() if arrow not in drawn]
    assert not drawn - set(found), "the plan draws arrows that nothing uses"


def test_the_ground_calls_no_capability() -> None:
    for name in GROUND:
        assert services_imported(PROJECT_ROOT / "services" / f"{name}.py") <= set(GROUND)


def test_every_room_stands_in_the_plan_and_tells_what_it_owns_and_may_call() -> None:
    folders = {path.parent.name for path in (PROJECT_ROOT / "services").glob("*/__init__.py")}
    modules = {path.stem for path in (PROJECT_ROOT / "services").glob("*.py")} - {"__init__"}
    assert folders | modules == {*PLAN, *GROUND}
    for folder in folders:
        told = ast.get_docstring(ast.parse((PROJECT_ROOT / "services" / folder / "__init__.py").read_text())) or ""
        _, _, callable_rooms = told.partition("May call")
        assert named_in(callable_rooms) == PLAN[folder], folder


def test_the_machine_is_asked_for_the_time_in_one_place() -> None:
    callers = [
        str(path.relative_to(PROJECT_ROOT))
        for package in PACKAGES
        for path in (PROJECT_ROOT / package).rglob("*.py")
        if "datetime.now(" in path.read_text() or "datetime.utcnow(" in path.read_text()
    ]
    assert callers == ["services/clock.py"]


def room_of(path: Path) -> str:
    """Return the capability a file of ``services/`` belongs to: its folder, or the module itself."""
    inside = path.relative_to(PROJECT_ROOT / "services")
    return inside.parts[0] if len(inside.parts) > 1 else inside.stem


def named_in(text: str) -> set[str]:
    """Return the rooms a docstring names."""
    words = {word.strip("().,;:") for word in text.split()}
    return {room for room in PLAN if room in words}


def services_imported(path: Path) -> set[str]:
    """Return the rooms of ``services/`` a module imports, within functions too."""
    rooms = set()
    for module, names in imports(path):
        parts = module.split(".")
        if parts[0] == "services":
            rooms |= {parts[1]} if len(parts) > 1 else set(names)
    return rooms


def imported(path: Path) -> set[str]:
    """Return the top-level names a module imports."""
    return {module.split(".")[0] for module, _ in imports(path)}


def imports(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield each module a file imports, with the names taken from it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, []
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, [alias.name for alias in node.names]
