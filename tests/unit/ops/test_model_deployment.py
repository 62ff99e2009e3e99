"""The deployment a start begins with: what fails is tried again, and what somebody else has done is noticed."""

from dataclasses import dataclass, field

import pytest

from ops import model_deployment
from ops.model_deployment import DeploymentState, ModelDeployment


@dataclass
class Attempt:
    """A process that ends when it is told to."""

    pid: int
    code: int | None = None

    def poll(self) -> int | None:
        return self.code


@dataclass
class World:
    """The surroundings of a deployment: its attempts, the clock, what it is told."""

    seconds: float = 0.0
    mark: object = "old"
    reason: str = "acceptance.bpmn 有误"
    full: bool = False
    attempts: list[Attempt] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def attempt(self) -> Attempt:
        if self.full:
            raise OSError(28, "No space left on device")
        self.attempts.append(Attempt(len(self.attempts) + 1))
        return self.attempts[-1]

    def deployment(self) -> ModelDeployment:
        return ModelDeployment(
            attempt=self.attempt,  # type: ignore[arg-type]
            reason=lambda: self.reason,
            mark=lambda: self.mark,  # type: ignore[arg-type,return-value]
            tell=self.told.append,
            now=lambda: self.seconds,
        )

    def end(self, deployment: ModelDeployment, code: int) -> None:
        """Let the attempt under way end, and the deployment see it."""
        self.attempts[-1].code = code
        deployment.tick()

    def until_next(self, deployment: ModelDeployment, most: float = 1000) -> float:
        """Pass time until another attempt begins; return the seconds."""
        begun, attempts = self.seconds, len(self.attempts)
        while len(self.attempts) == attempts:
            assert self.seconds - begun < most
            self.seconds += 0.5
            deployment.tick()
        return self.seconds - begun


@pytest.fixture
def world() -> World:
    return World()


def test_a_deployment_that_takes_long_is_one_attempt_and_not_waited_for_beyond_a_limit(world: World) -> None:
    deployment = world.deployment()
    deployment.tick()
    assert deployment.begun
    assert not deployment.tried
    world.seconds += model_deployment.OVERDUE_SECONDS
    deployment.tick()
    assert not deployment.settled
    world.seconds += 1
    deployment.tick()
    assert deployment.settled
    assert deployment.state is DeploymentState.RUNNING
    assert len(world.attempts) == 1
    world.end(deployment, 0)
    assert deployment.state is DeploymentState.DEPLOYED
    assert world.told == ["✓ 流程已部署"]


def test_a_deployment_that_succeeds_soon_is_not_spoken_of(world: World) -> None:
    deployment = world.deployment()
    deployment.tick()
    world.end(deployment, 0)
    assert deployment.settled
    deployment.tick()
    assert len(world.attempts) == 1
    assert world.told == []


def test_what_failed_is_tried_again_ever_later_and_told_once(world: World) -> None:
    deployment = world.deployment()
    deployment.tick()
    pauses = []
    for _ in range(9):
        world.end(deployment, 1)
        assert deployment.state is DeploymentState.FAILED
        pauses.append(world.until_next(deployment))
    assert pauses[0] == model_deployment.FIRST_PAUSE_SECONDS
    assert pauses == sorted(pauses)
    assert pauses[-1] == model_deployment.LONGEST_PAUSE_SECONDS
    assert world.told == ["✗ 流程部署失败：acceptance.bpmn 有误（会自动重试）"]
    world.reason = "磁盘已满"
    world.end(deployment, 1)
    assert "磁盘已满" in world.told[-1]
    world.until_next(deployment)
    world.end(deployment, 0)
    assert deployment.state is DeploymentState.DEPLOYED
    assert world.told[-1] == "✓ 流程已部署"
    assert deployment.why == ""


def test_a_deployment_by_hand_is_noticed_at_once(world: World) -> None:
    deployment = world.deployment()
    deployment.tick()
    for _ in range(8):
        world.end(deployment, 1)
        world.until_next(deployment)
    world.end(deployment, 1)
    world.mark = "new"
    assert world.until_next(deployment) <= 2
    world.end(deployment, 0)
    assert deployment.state is DeploymentState.DEPLOYED


def test_one_failure_is_no_verdict_and_three_are(world: World) -> None:
    deployment = world.deployment()
    deployment.tick()
    settled = []
    for _ in range(4):
        world.end(deployment, 1)
        settled.append(deployment.settled)
        world.until_next(deployment)
    assert settled == [False, False, True, True]


def test_a_full_disk_is_a_failure_like_any_other(world: World) -> None:
    world.full = True
    deployment = world.deployment()
    deployment.tick()
    assert deployment.state is DeploymentState.FAILED
    assert deployment.tried
    assert "No space left" in deployment.why
    world.full = False
    world.until_next(deployment)
    world.end(deployment, 0)
    assert deployment.state is DeploymentState.DEPLOYED
