"""The page on the architecture says what the code says: its picture, its places, its verbs."""

import ast
from collections.abc import Iterator

from settings import PROJECT_ROOT
from tests import house

QUESTIONS = 10


def test_the_picture_is_the_one_the_code_draws() -> None:
    assert house.PICTURE.read_text(encoding="utf-8") == house.picture(), "run `python -m tests.house`"


def test_every_place_the_page_names_is_where_it_says() -> None:
    page = house.ARCHITECTURE.read_text(encoding="utf-8")
    assert page == house.numbered(page), "run `python -m tests.house`"
    rows = [line for line in page.splitlines() if line.startswith("| …")]
    assert len(rows) == QUESTIONS
    assert all(house.PLACE.search(row) for row in rows)


def test_what_is_got_is_there_and_what_is_found_may_not_be() -> None:
    """``get`` raises, ``find`` may return None, ``require`` returns nothing: the verbs of architecture.md."""
    wrong = []
    for place, function in functions():
        name, answer = function.name.lstrip("_"), ast.unparse(function.returns) if function.returns else "None"
        optional = answer.endswith("| None")
        if (
            (verb_is(name, "get") and optional)
            or (verb_is(name, "find") and not optional)
            or (verb_is(name, "require") and answer != "None")
            or (name.startswith(("may_", "is_", "has_")) and answer not in ("bool", "ColumnElement[bool]"))
        ):
            wrong.append(f"{place}: {function.name} -> {answer}")
    assert not wrong


def verb_is(name: str, verb: str) -> bool:
    return name == verb or name.startswith(f"{verb}_")


def functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    """Yield every function of the use cases with its file."""
    for path in sorted((PROJECT_ROOT / "services").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                yield str(path.relative_to(PROJECT_ROOT)), node
