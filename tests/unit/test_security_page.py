"""SECURITY.md promises nothing that no test holds."""

import ast
import re
from functools import lru_cache

from settings import PROJECT_ROOT

PAGE = PROJECT_ROOT / "SECURITY.md"
PROMISED = re.compile(r"^## What is promised\n(.*?)^## ", re.MULTILINE | re.DOTALL)
HEAD = {"| promise | held by |", "| --- | --- |"}
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
SKIPPED = {"skip", "xfail"}


def rows() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return every promise with the tests that hold it, as file and name."""
    [promised] = PROMISED.findall(PAGE.read_text(encoding="utf-8"))
    lines = [line for line in promised.splitlines() if line.startswith("|") and line not in HEAD]
    cells = [line.strip("|").split("|") for line in lines]
    assert all(len(row) == 2 for row in cells)
    return [(promise.strip(), TEST.findall(tests)) for promise, tests in cells]


@lru_cache
def marks_in(file: str) -> dict[str, set[str]]:
    """Return a file's tests, each with the marks it bears."""
    tree = ast.parse((PROJECT_ROOT / file).read_text(encoding="utf-8"))
    return {
        node.name: {
            part.attr for mark in node.decorator_list for part in ast.walk(mark) if isinstance(part, ast.Attribute)
        }
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


def test_every_promise_names_a_test_that_exists_and_is_not_left_out() -> None:
    found = rows()
    assert found
    for promise, tests in found:
        assert tests, promise
        for file, name in tests:
            assert (PROJECT_ROOT / file).is_file(), file
            assert name in marks_in(file), f"{file}::{name}"
            assert not marks_in(file)[name] & SKIPPED, f"{file}::{name} does not run"


def test_every_name_of_a_test_on_the_page_is_read_as_one() -> None:
    [promised] = PROMISED.findall(PAGE.read_text(encoding="utf-8"))
    assert promised.count("::test_") == sum(len(tests) for _, tests in rows())


def test_a_promise_is_made_once() -> None:
    promises = [promise for promise, _ in rows()]
    assert len(promises) == len(set(promises))


def test_every_link_leads_somewhere() -> None:
    for link in re.findall(r"\]\(([^)]+)\)", PAGE.read_text(encoding="utf-8")):
        file, _, anchor = link.partition("#")
        assert (PROJECT_ROOT / file).exists(), link
        assert not anchor or f'<a id="{anchor}"></a>' in (PROJECT_ROOT / file).read_text(encoding="utf-8"), link
