"""A broken form file is refused before the engine, by name."""

import asyncio
from pathlib import Path
from typing import cast

import pytest

from engine.deploy import deploy_directory
from engine.errors import DeploymentRejected
from engine.gateway import Gateway


@pytest.mark.parametrize("content", ["{", "[]", ""])
def test_a_form_that_is_no_json_object_is_refused_by_name(tmp_path: Path, content: str) -> None:
    (tmp_path / "forms").mkdir()
    (tmp_path / "forms" / "broken.form").write_text(content, encoding="utf-8")
    never_called = cast(Gateway, None)
    with pytest.raises(DeploymentRejected, match=r"broken\.form.*表单文件"):
        asyncio.run(deploy_directory(never_called, tmp_path))
