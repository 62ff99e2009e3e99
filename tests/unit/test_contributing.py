"""What README and CONTRIBUTING tell a newcomer to type is there: make targets, tools, folders, files."""

import re
import shlex
import tomllib
from collections.abc import Iterator

import pytest

from settings import PROJECT_ROOT

GUIDES = ("README.md", "README.zh-CN.md", "CONTRIBUTING.md")
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)\)")


def commands() -> Iterator[list[str]]:
    """Yield every command shown, without its comment."""
    for guide in GUIDES:
        for block in BLOCK.findall((PROJECT_ROOT / guide).read_text(encoding="utf-8")):
            yield from (shlex.split(line, comments=True) for line in block.splitlines() if line.strip())


def test_every_make_target_shown_is_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT_ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    shown = {words[1] for words in commands() if words[0] == "make"}
    assert {"test", "test-fast", "mutants", "develop"} <= shown
    assert shown <= targets


def test_every_tool_shown_is_installed_with_the_project() -> None:
    project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    installed = {"python", *project["scripts"], *project["optional-dependencies"]["dev"]}
    shown = {words[0].removeprefix(".venv/bin/") for words in commands() if words[0].startswith(".venv/bin/")}
    assert shown <= installed


def test_every_file_a_command_names_exists() -> None:
    named = {
        word for words in commands() for word in " ".join(words).split() if re.match(r"(tests|models)/|require", word)
    }
    assert named
    assert [name for name in sorted(named) if not (PROJECT_ROOT / name).exists()] == []


@pytest.mark.parametrize("guide", GUIDES)
def test_every_link_leads_somewhere(guide: str) -> None:
    links = LINK.findall((PROJECT_ROOT / guide).read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (PROJECT_ROOT / link).exists()] == []
