"""``tongquan deploy``: give the engine the models of a directory, and remember what it was given."""

import asyncio
from dataclasses import replace
from pathlib import Path

from engine.deploy import DeploymentReport, deploy_directory
from engine.gateway import Gateway
from ops.instance import InstanceDirectory
from ops.model_rules import unreadable
from settings import PROJECT_ROOT, get_settings

MODELS = PROJECT_ROOT / "bpmn"


def deploy(directory: InstanceDirectory, models: Path, *, only_if_changed: bool) -> DeploymentReport:
    """Deploy ``models`` to the engine the settings name.

    With ``only_if_changed`` nothing is sent when the same files were the last ones deployed from here: a model that
    a designer has deployed from Modeler since is then not overlaid by the file it came from.

    Raises:
        EngineError: a file is refused, here or by the engine, or the engine is not reachable.
    """
    identity = directory.identity()
    previous = identity.deployed_digest if identity is not None and only_if_changed else None
    report = asyncio.run(_deploy(models, previous))
    identity = directory.identity()
    if identity is not None and models.resolve() == MODELS.resolve():
        directory.record(replace(identity, deployed_digest=report.digest))
    return report


async def _deploy(models: Path, previous: str | None) -> DeploymentReport:
    async with Gateway.from_settings(get_settings()) as gateway:
        return await deploy_directory(gateway, models, previous_digest=previous, fault_of=unreadable)


def describe(report: DeploymentReport) -> list[str]:
    """Return the lines that tell what a deployment did."""
    if report.skipped:
        return ["✓ 流程与上次部署相同，无需部署"]
    changed = [f"  {model.id} 第 {model.version} 版" for model in report.changed]
    unchanged = len(report.models) - len(changed)
    return [f"✓ 已部署 {len(changed)} 个变更，{unchanged} 个未变", *changed]
