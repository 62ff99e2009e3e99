"""Group names are formed in ``models/group.py`` and rights decided in ``services/accounts/``: read off the code."""

import ast
import re
from collections.abc import Iterator

import pytest

from settings import PROJECT_ROOT

HOME_OF_GROUPS = "models/group.py"
PACKAGES = ("models", "papers", "services", "engine", "bridge", "workers", "api", "ops")
ROLES = "window|reviewer|chief|approver|supervisor|advisor|coordinator|system|security|audit"
GROUP_NAME = re.compile(rf"(?<![\w./-])(?:[a-z\0][\w\0-]*\.){{1,2}}(?:{ROLES}|\0)(?![\w.-])")
GROUP_PART = re.compile(rf"^(?:\.(?:{ROLES})|\0\.|(?:city|admin)\.(?:\0\.)?)$")
"""What ``startswith`` and ``endswith`` would ask a name for."""

OWN_LISTS = {
    "services/notifications/inbox.py": "the notifications addressed to the actor's groups",
    "services/supervision/policy_ledger.py": "the notices the actor's groups have not read",
    "services/supervision/push_ledger.py": "the pushes that wait for the actor's groups",
    "services/tasks/worklist.py": "the tasks offered to the actor's groups",
}
"""Where an actor's groups are asked for as the addressees of a list, and why."""

ADDRESSEES = {
    "services/supervision/letters.py": "how a letter addresses a group",
    "services/supervision/pushes.py": "a supervisor's group in words",
    "services/guidance/consultations.py": "which of the asker's groups an answer is told to",
    "services/tasks/reassignment.py": "which groups a task is offered to",
}
"""Where groups are taken apart to know whom something is addressed to, and why."""


def sources(*packages: str) -> Iterator[tuple[str, ast.Module]]:
    """Yield every module of ``packages`` with its path."""
    for package in packages:
        for path in sorted((PROJECT_ROOT / package).rglob("*.py")):
            if "migrations" not in path.parts:
                yield str(path.relative_to(PROJECT_ROOT)), ast.parse(path.read_text())


def texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the strings of a module that are no docstrings, the fields of formatted ones as NUL."""
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            prose |= {id(part) for part in node.values}
            parts = (str(one.value) if isinstance(one, ast.Constant) else "\0" for one in node.values)
            yield node.lineno, "".join(parts)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.lineno, node.value


def names_a_group(text: str) -> bool:
    """Tell whether a string is, holds or begins or ends like a group's name."""
    named = [found.group() for found in GROUP_NAME.finditer(text)]
    return GROUP_PART.match(text) is not None or any(
        re.search(rf"(?:{ROLES})$|^(?:city|admin)\.", one) for one in named
    )


@pytest.mark.parametrize(
    "text",
    [
        "xingguo.window",
        "\0.window",
        "city.\0.approver",
        "\0.\0.reviewer",
        "city.coordinator",
        "admin.system",
        "city.\0.\0",
        "如 city.slj.supervisor",
        ".reviewer",
        "city.",
        "\0.",
    ],
)
def test_a_literal_group_name_is_recognised(text: str) -> None:
    assert names_a_group(text)


@pytest.mark.parametrize("text", ["case.accepted", "\0.\0", "recall.proposed", "window", "services.audit_log", "。"])
def test_other_words_are_left_alone(text: str) -> None:
    assert not names_a_group(text)


def test_group_names_are_formed_in_one_place() -> None:
    found = [
        f"{path}:{line} {text!r}"
        for path, tree in sources(*PACKAGES)
        if path != HOME_OF_GROUPS
        for line, text in texts(tree)
        if names_a_group(text)
    ]
    assert not found


def test_templates_name_no_group() -> None:
    found = [
        str(path)
        for path in (PROJECT_ROOT / "api" / "templates").rglob("*.html")
        if re.search(rf"\b(?:city|admin)\.[\w.]*(?:{ROLES})\b", path.read_text())
    ]
    assert not found


def test_an_actors_groups_are_consulted_for_rights_in_accounts_alone() -> None:
    found = {
        path
        for path, tree in sources("services", "workers", "bridge")
        if not path.startswith("services/accounts/")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "groups" and "actor" in ast.unparse(node.value)
    }
    assert found == set(OWN_LISTS)


def test_a_groups_role_is_asked_for_in_accounts_alone() -> None:
    """A role outside ``accounts/`` only forms an address: an argument of ``Group.of_area`` or ``of_city_unit``."""
    deciding = {path for path, tree in sources("services") if not path.startswith("services/accounts/") and asks(tree)}
    assert deciding <= set(ADDRESSEES)


def test_what_is_said_to_take_groups_apart_does_so() -> None:
    taking_apart = {path for path, tree in sources("services") if path in ADDRESSEES and asks(tree)}
    assert taking_apart == set(ADDRESSEES)


def asks(tree: ast.Module) -> bool:
    """Tell whether a module takes groups apart, or names a role or scope but to form a group."""
    forming = {
        id(part)
        for node in ast.walk(tree)
        if forms_groups(node.elt if isinstance(node, ast.ListComp) else node)
        for part in ast.walk(node)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Name(id="parse_groups" | "membership"):
                return True
            case ast.Attribute(value=ast.Name(id="Group"), attr="parse"):
                return True
            case ast.Attribute(value=ast.Name(id="Role" | "Scope")) if id(node) not in forming:
                return True
    return False


def forms_groups(node: ast.AST) -> bool:
    """Tell whether an expression is a group made by its constructors, or such a group's name."""
    match node:
        case ast.Attribute(value=made, attr="name"):
            return forms_groups(made)
        case ast.Call(func=ast.Attribute(value=ast.Name(id="Group"), attr="of_area" | "of_city_unit")):
            return True
    return False


def test_a_refusal_for_want_of_a_right_is_raised_in_accounts_alone() -> None:
    found = [
        f"{path}:{node.lineno}"
        for path, tree in sources("services")
        if not path.startswith("services/accounts/")
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise) and node.exc is not None and "Forbidden" in ast.unparse(node.exc)
    ]
    assert not found
