"""docs/reference/settings.md names every variable the product reads, and no other, with the code's defaults."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import AliasChoices
from pydantic.fields import FieldInfo

from settings import PROJECT_ROOT, Settings

PAGE = PROJECT_ROOT / "docs" / "reference" / "settings.md"
SECTION = re.compile(r"^## (.+?)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
VARIABLE = re.compile(r"`([A-Z][A-Z0-9_]+)`")
NONE = "—"
COLUMNS = 4
PRODUCT = ("api", "bridge", "catalog_data", "deploy", "engine", "models", "ops", "papers", "services", "workers")
TESTS = ("tests", "bench")
ENVIRONMENTS = {"environ", "environment"}
"""What mappings of variables are called in this code."""
OF_THE_SYSTEM = {"PATH"}
SET_FOR_CHILDREN = {"PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}


def rows(section: str) -> list[tuple[tuple[str, ...], str, str, str]]:
    """Return a section's table: names, default, meaning, who."""
    found = dict(SECTION.findall(PAGE.read_text(encoding="utf-8")))[section]
    lines = [re.split(r"(?<!\\)\|", line)[1:-1] for line in found.splitlines() if line.startswith("| `")]
    assert lines
    assert all(len(cells) == COLUMNS for cells in lines)
    return [(tuple(VARIABLE.findall(names)), *map(str.strip, rest)) for names, *rest in lines]  # type: ignore[misc]


def variables(section: str) -> set[str]:
    return {name for names, *_ in rows(section) for name in names}


def names_of(name: str, field: FieldInfo) -> tuple[str, ...]:
    if isinstance(field.validation_alias, AliasChoices):
        return tuple(str(choice) for choice in field.validation_alias.choices)
    return (f"TONGQUAN_{name.upper()}",)


def shown(default: Any) -> str:
    """Return a default as the page has it."""
    if default is None or default == "":
        return NONE
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, Path):
        return f"`{default.relative_to(PROJECT_ROOT)}`"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def read_by(folders: tuple[str, ...], *files: str) -> set[str]:
    """Return every variable the code asks an environment for by its name."""
    paths = [path for folder in folders for path in (PROJECT_ROOT / folder).rglob("*.py")]
    paths += [PROJECT_ROOT / file for file in files]
    return {name for path in paths for name in asked(ast.parse(path.read_text(encoding="utf-8")))}


def asked(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            of_environment = isinstance(function, ast.Attribute) and is_environment(function.value)
            by_first = isinstance(function, ast.Name) and function.id == "first"
            getenv = isinstance(function, ast.Attribute) and function.attr == "getenv"
            if of_environment or by_first or getenv:
                yield from filter(is_variable, literals(node.args[: None if by_first else 1]))
            yield from literals([one.value for one in node.keywords if one.arg == "envvar"])
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) and is_environment(node.value):
            yield from filter(is_variable, literals([node.slice]))


def is_environment(node: ast.expr) -> bool:
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return name in ENVIRONMENTS


def literals(nodes: list[ast.expr]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def is_variable(name: str) -> bool:
    return re.fullmatch(r"[A-Z][A-Z0-9_]+", name) is not None


def test_the_table_of_the_product_has_every_setting_with_its_names_and_default() -> None:
    expected = [
        (names_of(name, field), shown(field.get_default(call_default_factory=True)))
        for name, field in Settings.model_fields.items()
    ]
    assert [(names, default) for names, default, *_ in rows("The product")] == expected


def test_every_row_says_what_it_means_and_whom_it_concerns() -> None:
    kinds = {"everybody", "production", "cluster", "Compose", "nobody", "developers"}
    for section, text in SECTION.findall(PAGE.read_text(encoding="utf-8")):
        assert text.strip()
        for names, _, meaning, who in rows(section):
            assert names
            assert meaning
            assert who in kinds


def test_every_variable_read_elsewhere_is_named_and_none_that_is_not() -> None:
    log_levels = re.findall(r"\$\{env:([A-Z_]+)", (PROJECT_ROOT / "engine" / "log4j2.xml").read_text(encoding="utf-8"))
    read = read_by(PRODUCT, "cli.py") | set(log_levels)
    assert {"TONGQUAN_CACHE", "TONGQUAN_READY_TIMEOUT", "ZEEBE_REST_PASSWORD", "ZEEBE_CLIENT_ID"} <= read
    of_settings = variables("The product")
    named = variables("The command line and the embedded engine") | variables("A cluster of your own")
    assert named == read - of_settings - OF_THE_SYSTEM - SET_FOR_CHILDREN


def test_every_variable_of_compose_is_named_with_its_default() -> None:
    compose = (PROJECT_ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    asked_for = dict(re.findall(r"\$\{([A-Z_]+):-([^}]*)\}", compose))
    asked_for |= dict.fromkeys(yaml.safe_load(compose)["services"]["api"]["build"]["args"], "")
    table = {names[0]: default for names, default, *_ in rows("Compose")}
    of_settings = variables("The product")
    assert set(table) == set(asked_for) - of_settings
    assert {name: default for name, default in table.items() if default != shown(asked_for[name])} == {}
    assert f"default `{asked_for['TONGQUAN_ENVIRONMENT']}`" in PAGE.read_text(encoding="utf-8")


def test_every_secret_that_may_come_from_a_file_is_named() -> None:
    entrypoint = (PROJECT_ROOT / "deploy" / "entrypoint.sh").read_text(encoding="utf-8")
    [listed] = re.findall(r"^for name in ((?:.|\\\n)*?); do", entrypoint, re.MULTILINE)
    [sentence] = re.findall(r"`<NAME>`, for (.*?)\. Setting both", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert VARIABLE.findall(sentence) == listed.replace("\\\n", " ").split()
    services = yaml.safe_load((PROJECT_ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    given = {name for service in services.values() for name in service.get("environment", {}) if name.startswith("PG")}
    assert {name.removesuffix("_FILE") for name in given} <= set(VARIABLE.findall(PAGE.read_text(encoding="utf-8")))


def test_every_variable_the_tests_read_is_named() -> None:
    ours = {name for name in read_by(TESTS) if name.startswith("TONGQUAN_")}
    known = variables("The product") | variables("The command line and the embedded engine")
    assert variables("Tests") == ours - known


def test_an_alias_a_default_and_a_read_that_nobody_told_are_noticed() -> None:
    code = 'import os\nx = os.environ.get("TONGQUAN_A")\ny = environment["ZEEBE_B"]\nz = first("CAMUNDA_C", "ZEEBE_D")'
    assert set(asked(ast.parse(code))) == {"TONGQUAN_A", "ZEEBE_B", "CAMUNDA_C", "ZEEBE_D"}
    assert shown(0.5) == "`0.5`"
    assert shown(None) == NONE
