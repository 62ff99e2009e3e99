"""``tongquan lint``: check the models and forms of ``bpmn/`` by the rules of engine and product."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from ops.assets import tool
from ops.model_rules import faults_in, is_whole
from services.errors import SetupError
from settings import PROJECT_ROOT

LINTER = Path("node_modules/bpmnlint/bin/bpmnlint.js")
CONFIGURATIONS = (".bpmnlintrc", ".bpmnlintrc-8.6")
MODELS = "bpmn"


def lint(files: Sequence[Path] = (), root: Path = PROJECT_ROOT) -> tuple[bool, str]:
    """Return whether the files (all models by default) have no error, and what the linter said.

    Raises:
        SetupError: the linter is not installed, or there is nothing to check.
    """
    if not (root / LINTER).exists():
        raise SetupError("缺少 bpmnlint：请先运行 make setup")
    chosen = [path.absolute() for path in files] or [
        *sorted((root / MODELS).glob("*.bpmn")),
        *sorted((root / MODELS).glob("forms/*.form")),
    ]
    models = [path for path in chosen if path.suffix != ".form"]
    missing = [str(path) for path in chosen if not path.is_file()]
    if missing or not chosen:
        raise SetupError(f"找不到流程文件 {'、'.join(missing) or root / MODELS}：请检查路径")
    said: list[str] = []
    clean = True
    whole = [path for path in models if is_whole(path)]
    for configuration in CONFIGURATIONS:
        if not whole or not (root / configuration).exists():
            continue
        done = subprocess.run(
            [tool("node"), str(root / LINTER), "--config", configuration, *map(str, whole)],
            cwd=root,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        clean = clean and done.returncode == 0
        text = (done.stdout + done.stderr).strip()
        said += [f"[{configuration}]", text] if text else []
    faults = faults_in(chosen, root / MODELS)
    said += faults
    return clean and not faults, "\n".join(said)
