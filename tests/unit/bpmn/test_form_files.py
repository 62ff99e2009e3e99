"""A form or model the product could not read is refused before the engine, by name and reason."""

import asyncio
from pathlib import Path
from typing import cast

import pytest

from engine.deploy import deploy_directory
from engine.errors import DeploymentRejected
from engine.gateway import Gateway
from ops.lint import lint
from ops.model_rules import faults_in, unreadable
from settings import PROJECT_ROOT

FORM = b'{"id": "f", "components": []}'
GBK = '<?xml version="1.0" encoding="GBK"?><definitions name="受理"/>'.encode("gbk")
UNREADABLE = [
    ("broken.form", b"{", "JSON"),
    ("broken.form", b"[]", "JSON 对象"),
    ("broken.form", b"", "JSON"),
    ("broken.form", b"\xef\xbb\xbf" + FORM, "BOM"),
    ("broken.form", b'{"id": "f", "x": "\\ud800"}', "代理项"),
    ("broken.form", b'{"id": "f", "x": 1e400}', "1e400"),
    ("broken.form", '{"id": "受理"}'.encode("gbk"), "UTF-8"),
    ("broken.bpmn", GBK, "GBK"),
    ("broken.bpmn", '<definitions name="受理"/>'.encode("gbk"), "UTF-8"),
    ("broken.dmn", GBK, "GBK"),
]


@pytest.mark.parametrize(("name", "content", "told"), UNREADABLE)
def test_a_file_that_cannot_be_read_is_not_deployed(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(content)
    never_called = cast(Gateway, None)
    with pytest.raises(DeploymentRejected, match=rf"{name}.*{told}"):
        asyncio.run(deploy_directory(never_called, tmp_path, fault_of=unreadable))


@pytest.mark.parametrize(("name", "content", "told"), UNREADABLE)
def test_lint_names_a_file_that_cannot_be_read(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    [fault] = faults_in([file], tmp_path)
    assert name in fault
    assert told in fault


def test_every_file_with_a_fault_is_named_at_once(tmp_path: Path) -> None:
    for name in ("one.form", "two.form"):
        (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + FORM)
    with pytest.raises(DeploymentRejected, match=r"one\.form.*two\.form"):
        asyncio.run(deploy_directory(cast(Gateway, None), tmp_path, fault_of=unreadable))


def test_a_form_can_be_linted_alone(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.form", tmp_path / "bad.form"
    good.write_bytes(FORM)
    bad.write_bytes(b"\xef\xbb\xbf" + FORM)
    assert lint([good])[0]
    clean, told = lint([bad])
    assert not clean
    assert "bad.form" in told


@pytest.mark.parametrize("file", sorted((PROJECT_ROOT / "bpmn").rglob("*.*")), ids=lambda path: path.name)
def test_what_is_shipped_can_be_read(file: Path) -> None:
    if file.suffix in (".form", ".bpmn", ".dmn"):
        assert unreadable(file.name, file.read_bytes()) is None
