"""Name the one thing a starting instance waits for, and whose work shows that the start goes on.

The chain is engine, deployment, then what the web reports (``readiness``). A person gets the first link that is
missing, not the symptoms of all behind it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ops.model_deployment import DeploymentState
from ops.readiness import NO_ANSWER, Readiness


class Part(StrEnum):
    """Whose processor time and log tell that the start goes on; the values name the children."""

    SEARCH = "search"
    ENGINE = "engine"
    DEPLOYMENT = "deploy"
    BRIDGE = "bridge"
    WORKERS = "workers"
    WEB = "web"


_AT_WORK = {
    "web": Part.WEB,
    "database": Part.WEB,
    "relay": Part.BRIDGE,
    "feed": Part.BRIDGE,
    "engine": Part.ENGINE,
    "processes": Part.ENGINE,
    "workers": Part.WORKERS,
}
"""By link of the chain of ``/readyz``."""


@dataclass(frozen=True)
class StartView:
    """What the supervisor knows of a start at one moment.

    ``engine_ready`` is ``None`` for a cluster that is somebody else's; ``deployment_trouble`` is why the last attempt
    failed, empty once one has succeeded; ``restless`` tells of each child that keeps ending, in words.
    """

    search_ready: bool = True
    engine_ready: bool | None = None
    engine_trouble: str = ""
    deployment: DeploymentState = DeploymentState.DEPLOYED
    deployment_trouble: str = ""
    deployment_settled: bool = True
    restless: Mapping[str, str] = field(default_factory=dict)
    answer: Readiness = NO_ANSWER


@dataclass(frozen=True)
class Waiting:
    """What a start waits for.

    ``at_work`` is the part whose work is progress; ``None`` when work is no sign of any, as with a child that dies
    again and again. ``hopeless`` tells that only a person can fix it.
    """

    cause: str
    log: str
    at_work: Part | None = None
    hopeless: bool = False


def first_missing(view: StartView) -> Waiting | None:
    """Return what the start waits for, or ``None`` when the instance is ready in fact.

    A deployment that has failed for good, or that a slow cluster does not answer, does not keep an instance that has
    its processes from being ready: cases run in it.
    """
    if not view.search_ready:
        return _restless(view, Part.SEARCH) or Waiting("检索库尚未就绪", Part.SEARCH, Part.SEARCH)
    if view.engine_ready is False:
        trouble = f"（{view.engine_trouble}）" if view.engine_trouble else ""
        return _restless(view, Part.ENGINE) or Waiting(f"流程引擎尚未就绪{trouble}", Part.ENGINE, Part.ENGINE)
    if view.deployment_trouble:
        cause = f"流程部署失败：{view.deployment_trouble}"
        if not view.deployment_settled:
            return Waiting(cause, Part.DEPLOYMENT)
        if view.answer.fails("processes"):
            return Waiting(cause, Part.DEPLOYMENT, hopeless=True)
    elif view.deployment is not DeploymentState.DEPLOYED and not (view.deployment_settled and view.answer.has_models):
        # The deployment waits for an unreachable engine; with somebody else's cluster only its attempts can be seen.
        cause = view.answer.cause if view.answer.link == "engine" else "流程正在部署"
        return Waiting(cause, Part.DEPLOYMENT, Part.DEPLOYMENT)
    if view.answer.ready:
        return None
    for part in (Part.BRIDGE, Part.WORKERS, Part.WEB):
        if (restless := _restless(view, part)) is not None:
            return restless
    at_work = _AT_WORK.get(view.answer.link or "")
    if at_work is Part.ENGINE and view.engine_ready is None:
        at_work = None
    return Waiting(view.answer.cause, at_work or Part.BRIDGE, at_work)


def _restless(view: StartView, part: Part) -> Waiting | None:
    return Waiting(view.restless[part], part) if part in view.restless else None
