"""Watch a start that is not done: what it waits for, and for how long nothing has moved."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from engine.progress import Progress, signs_of
from ops.engine_child import EngineChild
from ops.instance import InstanceDirectory, WaitRecord
from ops.model_deployment import ModelDeployment
from ops.readiness import ReadinessWatch
from ops.supervision import Supervisor, exit_words
from ops.waiting import Part, StartView, Waiting, first_missing


@dataclass
class StartWatch:
    """The parts of one starting instance, looked at together; ``engine`` is ``None`` for an external cluster."""

    directory: InstanceDirectory
    url: str
    supervisor: Supervisor
    deployment: ModelDeployment
    engine: EngineChild | None
    search_ready: Callable[[], bool]
    progress: Progress = field(default_factory=Progress)
    web: ReadinessWatch = field(init=False)

    def __post_init__(self) -> None:
        self.web = ReadinessWatch(self.url)

    def look(self) -> WaitRecord | None:
        """Return what the start waits for, with the log to read, or ``None`` when the instance is ready in fact."""
        missing = first_missing(self._view())
        if missing is None:
            return None
        cause = f"{missing.cause}；日志：{self.directory.log(missing.log)}"
        return WaitRecord(cause, self.progress.still_seconds(self._signs(missing)), missing.hopeless)

    def stop(self) -> None:
        """Stop watching."""
        self.web.stop()

    def _view(self) -> StartView:
        return StartView(
            search_ready=self.search_ready(),
            engine_ready=self.engine.ready if self.engine is not None else None,
            engine_trouble=(self.engine.last_error or "") if self.engine is not None else "",
            deployment=self.deployment.state,
            deployment_trouble=self.deployment.why,
            deployment_settled=self.deployment.settled,
            restless={
                name: f"{child.spec.label}反复退出（{exit_words(child.exit_code)}，已重启 {child.restarts} 次）"
                for name, child in self.supervisor.children.items()
                if child.restless
            },
            answer=self.web.answer,
        )

    def _signs(self, missing: Waiting) -> Hashable:
        """Return what changes when the start makes progress: another cause, or work of the part that is waited for."""
        named = (missing.log, frozenset(one.name for one in self.web.answer.failing))
        part = missing.at_work
        if part is None or (pid := self._pid(part)) is None:
            return named
        return named, signs_of(pid, self.directory.log(part))

    def _pid(self, part: Part) -> int | None:
        if part is Part.DEPLOYMENT:
            return self.deployment.pid
        child = self.supervisor.children.get(part)
        return child.process.pid if child is not None and child.process is not None else None
