"""Deploy a directory of models: every process, decision table and form of it, in one deployment, when
changed.

The engine itself gives an unchanged resource its old version and key, so deploying twice is harmless; the
digest only saves the call. Whoever keeps the digest (the supervisor's state directory) hands it in as
``previous_digest``.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.errors import DeploymentRejected, EngineError, EngineUnreachable
from engine.gateway import DEPLOY_TIMEOUT_SECONDS, Deployed, Gateway, Resource

READY_TIMEOUT_SECONDS = 120.0
"""How long to wait for an engine that says it is ready before its partition is."""
LONGEST_ATTEMPT_SECONDS = 300.0
SHORTEST_ATTEMPT_SECONDS = 1.0
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 5.0
LONGEST_REST_SECONDS = 60.0
"""How long an engine that has not answered is left alone: it may still be working on the deployment."""
PATTERNS = ("*.bpmn", "*.dmn", "*.form", "forms/*.form")


class NothingToDeploy(EngineError):
    """The directory holds no model."""

    code = "nothing_to_deploy"


@dataclass(frozen=True)
class DeploymentReport:
    """What a deployment did; ``models`` is empty when the digest showed that nothing had changed."""

    digest: str
    skipped: bool
    models: tuple[Deployed, ...] = ()

    @property
    def changed(self) -> tuple[Deployed, ...]:
        """Return the models that got a new version."""
        return tuple(model for model in self.models if model.new)


def read_models(directory: Path) -> list[Resource]:
    """Read the directory's models in name order; a resource is named like its file.

    Raises:
        NothingToDeploy: there is none.
    """
    files = sorted({file for pattern in PATTERNS for file in directory.glob(pattern)}, key=lambda f: f.name)
    if not files:
        raise NothingToDeploy(f"目录 {directory} 中没有 .bpmn、.dmn 或 .form 文件")
    return [Resource(file.name, file.read_bytes()) for file in files]


def digest_of(resources: list[Resource]) -> str:
    """Return a digest of names and contents, the same on every machine."""
    total = hashlib.sha256()
    for resource in sorted(resources, key=lambda r: r.name):
        total.update(resource.name.encode() + b"\0" + hashlib.sha256(resource.content).digest())
    return total.hexdigest()


async def deploy_directory(
    gateway: Gateway,
    directory: Path,
    *,
    previous_digest: str | None = None,
    fault_of: Callable[[str, bytes], str | None] = lambda _name, _content: None,
    patience: float | None = READY_TIMEOUT_SECONDS,
) -> DeploymentReport:
    """Deploy the models of ``directory`` in one transaction of the engine.

    Args:
        previous_digest: the digest of what the same engine was last given; equal means skip.
        fault_of: says why a file, by name and content, must not reach the engine, which is more lenient than the
            product, and of a broken form only says that a pointer of its own was null.
        patience: seconds to go on trying while the engine is not yet ready; ``None`` for as long as it takes.

    Raises:
        DeploymentRejected: a file is refused, here or by the engine; the message names it and the reason.
        EngineUnreachable: the engine was not ready in time.
        NothingToDeploy: the directory holds no model.
    """
    resources = read_models(directory)
    digest = digest_of(resources)
    if digest == previous_digest:
        return DeploymentReport(digest, skipped=True)
    faults = [f"'{one.name}' {fault}" for one in resources if (fault := fault_of(one.name, one.content))]
    if faults:
        raise DeploymentRejected(f"未部署：{'；'.join(faults)}")
    models = await _deploy_when_ready(gateway, resources, patience)
    return DeploymentReport(digest, skipped=False, models=tuple(models))


async def _deploy_when_ready(gateway: Gateway, resources: list[Resource], patience: float | None) -> list[Deployed]:
    """Deploy as soon as the engine takes it.

    An attempt that ran out of time gets twice as much the next time. A gateway gives up sooner than a busy engine
    does, which goes on with what was sent; so the pause is no shorter than the attempt was.
    """
    begun, attempt, pause = time.monotonic(), DEPLOY_TIMEOUT_SECONDS, FIRST_PAUSE_SECONDS
    while True:
        asked = time.monotonic()
        left = attempt if patience is None else max(patience - (asked - begun), SHORTEST_ATTEMPT_SECONDS)
        try:
            return await gateway.deploy(resources, seconds=min(attempt, left))
        except EngineUnreachable as exc:
            took = time.monotonic() - asked
            if patience is not None and asked + took - begun > patience:
                raise EngineUnreachable(f"引擎在 {patience:.0f} 秒内没有就绪，未能部署：{exc.message}") from exc
            if took >= attempt:
                attempt = min(attempt * 2, LONGEST_ATTEMPT_SECONDS)
        except DeploymentRejected as exc:
            raise DeploymentRejected(f"引擎拒绝部署：{_reason(exc.message, resources)}") from exc
        await asyncio.sleep(max(pause, min(took, LONGEST_REST_SECONDS)))
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


def _reason(message: str, resources: list[Resource]) -> str:
    """Shorten the engine's message to the file it names and what it says of it."""
    text = " ".join(message.split())
    named = [r.name for r in resources if f"'{r.name}'" in text]
    start = min((text.find(f"'{name}'") for name in named), default=-1)
    return text[start:] if start >= 0 else text
