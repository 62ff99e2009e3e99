"""What the how-to pages tell an administrator to type, look at and open is there."""

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
import yaml
from typer.core import TyperGroup

from api.application import create_app
from cli import app
from models.database import Database
from models.protocol import JobType
from services import health
from services.heartbeats import WORKER_PREFIX
from services.process_engine import set_aside
from services.setup import prepare
from settings import PROJECT_ROOT, Settings
from tests.databases import Databases

HOW_TO = PROJECT_ROOT / "docs" / "how-to"
RUNBOOKS = HOW_TO / "runbooks.md"
PAGES = sorted(HOW_TO.glob("*.md"))
COMPOSE = yaml.safe_load((PROJECT_ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
RULES = yaml.safe_load((PROJECT_ROOT / "deploy/prometheus/tongquan-alerts.yml").read_text(encoding="utf-8"))
ALERTS = {rule["alert"]: rule["annotations"]["runbook"] for group in RULES["groups"] for rule in group["rules"]}
BLOCK = re.compile(r"^ *```(?:console|sh)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(tongquan(?: [^`]+)?)`")
SECTION = re.compile(r'^<a id="([a-z-]+)"></a>\n## (.+?)\n(.*?)(?=^<a id=|\Z)', re.MULTILINE | re.DOTALL)
SYSTEM_TOOLS = {"curl", "df", "du", "grep", "lsof", "tail"}
MADE = {"make", "tongquan", "docker"}
LINK = re.compile(r"\]\(([^)]+)\)")
USAGE_ERROR = typer.BadParameter.__mro__[1]
"""What every mistake on the command line is a kind of."""
NAMELESS = "…"
"""An ellipsis in a command stands for whatever the reader would give."""


def sections() -> dict[str, str]:
    """Return each runbook's text by its anchor."""
    return {anchor: text for anchor, _, text in SECTION.findall(RUNBOOKS.read_text(encoding="utf-8"))}


def shown(page: Path) -> list[list[str]]:
    """Return every command of a page's blocks, lines that go on joined."""
    text = page.read_text(encoding="utf-8")
    joined = (block.replace("\\\n", " ") for block in BLOCK.findall(text))
    return [shlex.split(line, comments=True) for block in joined for line in block.splitlines() if line.strip()]


def of_the_product(page: Path) -> Iterator[list[str]]:
    """Yield the arguments of every ``tongquan`` command, in blocks, within Compose, or in a sentence."""
    for words in [*shown(page), *(one.split() for one in INLINE.findall(page.read_text(encoding="utf-8")))]:
        if "tongquan" in words and (words[0] == "tongquan" or words[:2] == ["docker", "compose"]):
            arguments = words[words.index("tongquan") + 1 :]
            if arguments and NAMELESS not in arguments:
                yield arguments


def parse(arguments: list[str]) -> None:
    """Parse a command without running it; raise Typer's own error for what does not exist or is missing."""
    command = typer.main.get_command(app)
    context = command.context_class(command, info_name="tongquan")
    while isinstance(command, TyperGroup):
        if command.invoke_without_command and arguments[0].startswith("-"):
            break  # The group's own doing, such as ``tongquan keys``.
        name, found, arguments = command.resolve_command(context, arguments)
        assert found is not None
        command, context = found, found.context_class(found, parent=context, info_name=name)
    command.make_context(context.info_name, arguments, parent=context.parent)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_of_the_product_shown_exists_with_its_options(page: Path) -> None:
    for arguments in of_the_product(page):
        parse(arguments)


@pytest.mark.parametrize(
    "arguments", [["undo"], ["clock", "rewind"], ["deploy", "--force"], ["restore"]], ids=lambda words: " ".join(words)
)
def test_a_command_that_does_not_exist_or_lacks_something_is_noticed(arguments: list[str]) -> None:
    with pytest.raises(USAGE_ERROR):
        parse(arguments)


def test_the_runbooks_ask_for_no_tool_that_may_be_missing() -> None:
    assert {words[0] for words in shown(RUNBOOKS)} <= SYSTEM_TOOLS | MADE


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_container_and_make_target_named_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for verb in ("run --rm", "restart", "exec"):
        for service in re.findall(rf"docker compose {verb} ([a-z]+)", text):
            assert service in COMPOSE["services"]
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT_ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert {words[1] for words in shown(page) if words[0] == "make"} <= targets


def test_every_address_and_page_named_is_served(database: Database, tmp_path: Path) -> None:
    paths = create_app(Settings(state_dir=tmp_path), database).openapi()["paths"]
    pages = {path for file in (PROJECT_ROOT / "api/pages").glob("*.py") for path in routes(file)} | {set_aside.PAGE}
    text = RUNBOOKS.read_text(encoding="utf-8")
    for path in re.findall(r"http://127\.0\.0\.1:8000(/[\w/.-]*)", text):
        assert path in paths or f"/api/v1{path}" in paths
    named = re.findall(r"`(/admin/[\w/-]+)`", text)
    assert named
    assert set(named) <= pages


def routes(file: Path) -> Iterator[str]:
    """Yield the paths of a module's routes that are written out."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(func=ast.Attribute(attr="get" | "post"), args=[ast.Constant(value=str(path)), *_]):
                yield path


def test_every_check_of_readyz_that_is_named_is_one(databases: Databases, tmp_path: Path) -> None:
    with databases.empty(tmp_path) as database:
        prepare(Settings(state_dir=tmp_path, database_url=database.url))
        checks = set(health.readiness(database).checks)
    assert {f"{WORKER_PREFIX}{job_type}" for job_type in JobType} <= checks
    named = {name for text in sections().values() for name in re.findall(r"`([^`]+)`", line_of(text, "检查"))}
    of_workers = {f"{WORKER_PREFIX}<作业类型>"}
    named -= {"/readyz", "warnings"}
    # How the instance was begun never fails; the check only warns.
    assert named - of_workers == {check for check in checks if not check.startswith(WORKER_PREFIX)} - {"mode"}
    assert of_workers <= named


def test_every_line_of_doctor_that_is_quoted_has_a_subject_doctor_looks_at() -> None:
    tree = ast.parse((PROJECT_ROOT / "ops" / "doctor.py").read_text(encoding="utf-8"))
    words = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    quoted = {subject for text in sections().values() for subject in re.findall(r"`[✗!] ([^：`]+)：", text)}
    assert quoted
    assert quoted <= words


def line_of(text: str, subject: str) -> str:
    return "".join(re.findall(rf"^- {subject}：(.*)$", text, re.MULTILINE))


def test_every_alert_leads_to_the_runbook_that_names_it_and_none_else() -> None:
    found = sections()
    assert found
    for alert, runbook in ALERTS.items():
        file, _, anchor = runbook.partition("#")
        assert PROJECT_ROOT / file == RUNBOOKS
        assert f"`{alert}`" in line_of(found[anchor], "告警")
    named = set(re.findall(r"`(Tongquan[A-Za-z]+)`", RUNBOOKS.read_text(encoding="utf-8")))
    assert named == set(ALERTS)


def test_the_configuration_shown_scrapes_under_the_name_the_alerts_ask_for() -> None:
    [shown_there] = re.findall(r"^```yaml\n(.*?)^```", RUNBOOKS.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    configuration = yaml.safe_load(shown_there)
    [down] = [rule["expr"] for group in RULES["groups"] for rule in group["rules"] if "up{" in rule["expr"]]
    assert f'job="{configuration["scrape_configs"][0]["job_name"]}"' in down
    assert (PROJECT_ROOT / "deploy/prometheus" / configuration["rule_files"][0]).is_file()


def test_every_runbook_says_whom_to_call() -> None:
    assert [anchor for anchor, text in sections().items() if "找谁：" not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_leads_to_a_file_and_an_anchor_that_are_there(page: Path) -> None:
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        if anchor:
            assert f'<a id="{anchor}"></a>' in target.read_text(encoding="utf-8"), link
