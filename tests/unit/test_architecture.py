"""The arrows of the layout: which package may import which."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("models", "papers", "catalog_data", "services", "engine", "bridge", "workers", "api", "ops")
ALLOWED = {
    "models": {"models"},
    "papers": {"papers", "models"},
    "catalog_data": {"catalog_data", "models"},
    "engine": {"engine"},
    "services": {"services", "models", "papers", "catalog_data", "settings"},
    "bridge": {"bridge", "services", "models", "engine", "settings"},
    "workers": {"workers", "services", "models", "engine", "settings"},
    "api": {"api", "services", "models", "catalog_data", "settings"},
}


@pytest.mark.parametrize("package", ALLOWED)
def test_arrows_point_one_way(package: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {target}"
        for path in (ROOT / package).rglob("*.py")
        if "migrations" not in path.parts
        for target in imported(path)
        if target in (*PACKAGES, "settings", "cli") and target not in ALLOWED[package]
    ]
    assert not wrong


def test_the_machine_is_asked_for_the_time_in_one_place() -> None:
    callers = [
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if "datetime.now(" in path.read_text() or "datetime.utcnow(" in path.read_text()
    ]
    assert callers == ["services/clock.py"]


def imported(path: Path) -> set[str]:
    """Return the top-level names a module imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names
