"""The deployment of ``bpmn/`` with which an instance starts: tried again until the engine has taken the models.

Each attempt is a ``tongquan deploy`` of its own, which waits for an engine that is not ready yet; what makes it fail is
therefore the models, or the environment, such as a full disk. It is retried at growing intervals, and at once when
somebody has deployed by hand or edited a model.
"""

import subprocess
import time
from collections.abc import Callable, Hashable
from enum import StrEnum

FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 300.0
MARK_SECONDS = 1.0
"""How often to check whether somebody has deployed or edited a model."""
OVERDUE_SECONDS = 120.0
"""An attempt that lasts longer does not keep an instance that has its processes from being ready: a slow cluster may
have taken the models and still not answer."""
ATTEMPTS_UNTIL_FAILED = 3
"""This many failures in a row are not due to a busy machine."""


class DeploymentState(StrEnum):
    """Where the deployment stands."""

    NOT_BEGUN = "not_begun"
    RUNNING = "running"
    FAILED = "failed"
    DEPLOYED = "deployed"


class ModelDeployment:
    """One instance's deployment.

    Args:
        attempt: starts an attempt and returns its process.
        reason: tells in one sentence why the last attempt failed.
        mark: returns something that changes when a new attempt is worth making at once.
        tell: gets a line for people.
    """

    def __init__(
        self,
        *,
        attempt: Callable[[], "subprocess.Popen[bytes]"],
        reason: Callable[[], str],
        mark: Callable[[], Hashable],
        tell: Callable[[str], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._attempt, self._reason, self._mark, self._tell, self._now = attempt, reason, mark, tell, now
        self._process: subprocess.Popen[bytes] | None = None
        self._pause = FIRST_PAUSE_SECONDS
        self._next_at = self._marked_at = self._begun_at = 0.0
        self._seen: Hashable = None
        self.state = DeploymentState.NOT_BEGUN
        self.failures = 0
        self.why = ""

    @property
    def pid(self) -> int | None:
        """Return the process of the attempt that is under way."""
        return self._process.pid if self._process is not None else None

    @property
    def begun(self) -> bool:
        """Tell whether there has been an attempt."""
        return self.state is not DeploymentState.NOT_BEGUN

    @property
    def tried(self) -> bool:
        """Tell whether an attempt has ended, well or not."""
        return self.state is DeploymentState.DEPLOYED or self.failures > 0

    @property
    def failed_for_good(self) -> bool:
        """Tell whether it has failed so often that a person has to look at it; it is tried again all the same."""
        return self.state is not DeploymentState.DEPLOYED and self.failures >= ATTEMPTS_UNTIL_FAILED

    @property
    def settled(self) -> bool:
        """Tell whether an instance that has its processes need not wait for it any longer."""
        overdue = self.state is DeploymentState.RUNNING and self._now() - self._begun_at > OVERDUE_SECONDS
        return self.state is DeploymentState.DEPLOYED or self.failed_for_good or overdue

    def tick(self) -> None:
        """Begin, notice an end, begin again: the first call starts it, each later one looks after it."""
        if self.state is DeploymentState.NOT_BEGUN:
            self._begin()
        elif self._process is not None:
            code = self._process.poll()
            if code is not None:
                self._process = None
                self._end(succeeded=code == 0)
        elif self.state is DeploymentState.FAILED and self._is_due():
            self._begin()

    def stop(self) -> None:
        """End an attempt that is under way."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _is_due(self) -> bool:
        now = self._now()
        if now >= self._next_at:
            return True
        if now - self._marked_at < MARK_SECONDS:
            return False
        self._marked_at = now
        return self._mark() != self._seen

    def _begin(self) -> None:
        self._seen, self._begun_at = self._mark(), self._now()
        self.state = DeploymentState.RUNNING
        try:
            self._process = self._attempt()
        except OSError as exc:  # A full disk, say; the next attempt comes after the pause.
            self._fail(exc.strerror or str(exc))

    def _end(self, *, succeeded: bool) -> None:
        if succeeded:
            self.state, self.why = DeploymentState.DEPLOYED, ""
            if self.failures or self._now() - self._begun_at > OVERDUE_SECONDS:
                self._tell("✓ 流程已部署")
        else:
            self._fail(self._reason())

    def _fail(self, reason: str) -> None:
        self.state = DeploymentState.FAILED
        self.failures += 1
        self._next_at = self._now() + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)
        why, self.why = self.why, reason
        if why != self.why:
            self._tell(f"✗ 流程部署失败：{self.why}（会自动重试）")
