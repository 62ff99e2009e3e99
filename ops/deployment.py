"""``tongquan deploy``: give the engine the models of a directory, and remember what it was given."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from engine.deploy import PATTERNS, READY_TIMEOUT_SECONDS, DeploymentReport, deploy_directory
from engine.gateway import RETRY_TIMEOUT_SECONDS, Gateway
from ops.instance import InstanceDirectory
from ops.model_rules import unreadable
from services.errors import SetupError
from settings import PROJECT_ROOT, get_settings

MODELS = PROJECT_ROOT / "bpmn"
ADDRESS_VARIABLES = ("ZEEBE_ADDRESS", "TONGQUAN_ZEEBE_ADDRESS")


def deploy(
    directory: InstanceDirectory,
    models: Path,
    *,
    only_if_changed: bool,
    patience: float | None = READY_TIMEOUT_SECONDS,
) -> DeploymentReport:
    """Deploy ``models`` to the engine the settings name, waiting ``patience`` seconds for it (``None``: no limit).

    With ``only_if_changed`` nothing is sent when the same files were the last ones deployed from here: a model that
    a designer has deployed from Modeler since is then not overlaid by the file it came from.

    Raises:
        EngineError: a file is refused, here or by the engine, or the engine is not reachable.
    """
    identity = directory.identity()
    previous = identity.deployed_digest if identity is not None and only_if_changed else None
    report = asyncio.run(_deploy(models, previous, patience))
    identity = directory.identity()
    if identity is not None and models.resolve() == MODELS.resolve():
        directory.record(replace(identity, deployed_digest=report.digest))
    return report


def what_would_be_deployed(directory: InstanceDirectory) -> tuple[str | None, float]:
    """Return what changes when somebody deploys ``bpmn/`` or edits a file of it: the digest, and the latest edit."""
    try:
        identity = directory.identity()
        edits = [file.stat().st_mtime for pattern in PATTERNS for file in MODELS.glob(pattern)]
    except (OSError, SetupError):
        # A file that is being replaced at this moment; the next look will see it.
        return None, 0.0
    return (identity.deployed_digest if identity is not None else None, max(edits, default=0.0))


def require_engine(directory: InstanceDirectory, environment: Mapping[str, str]) -> None:
    """Make sure there is an engine to deploy to: a running instance's, or a cluster that the environment names.

    Raises:
        SetupError: there is none, or the instance has not started its engine yet.
    """
    if any(environment.get(name) for name in ADDRESS_VARIABLES):
        return
    record = directory.run()
    if record is None or record.supervisor.find() is None:
        raise SetupError(
            f"没有在运行的实例（状态目录 {directory.root}）：请先 tongquan up，或用 ZEEBE_ADDRESS 指明已有的集群"
        )
    if not record.environment:
        raise SetupError("实例正在启动，启动时会自行部署流程：请稍后用 tongquan status 查看")


async def _deploy(models: Path, previous: str | None, patience: float | None) -> DeploymentReport:
    repeating = RETRY_TIMEOUT_SECONDS if patience is None else min(RETRY_TIMEOUT_SECONDS, patience)
    async with Gateway.from_settings(get_settings(), retry_timeout=repeating) as gateway:
        return await deploy_directory(gateway, models, previous_digest=previous, patience=patience, fault_of=unreadable)


def describe(report: DeploymentReport) -> list[str]:
    """Return the lines that tell what a deployment did."""
    if report.skipped:
        return ["✓ 流程与上次部署相同，无需部署"]
    changed = [f"  {model.id} 第 {model.version} 版" for model in report.changed]
    unchanged = len(report.models) - len(changed)
    return [f"✓ 已部署 {len(changed)} 个变更，{unchanged} 个未变", *changed]
