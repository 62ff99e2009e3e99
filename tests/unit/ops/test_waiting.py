"""What a start waits for: one cause, the first in the chain; and when it is given up."""

from typing import Any

import pytest

from models.protocol import JobType
from ops import detached
from ops.detached import why_given_up
from ops.instance import WaitRecord
from ops.model_deployment import DeploymentState
from ops.readiness import NO_ANSWER, Failing, Readiness
from ops.waiting import Part, StartView, first_missing
from services.health import shipped_processes

WORKERS = tuple(Failing(f"worker:{job_type}", "尚无心跳") for job_type in JobType)
PROCESSES = Failing("processes", f"尚未部署：{'、'.join(sorted(shipped_processes()))}")
ALL = (
    PROCESSES,
    Failing("engine", "未知：中继无心跳"),
    Failing("feed", "尚无心跳"),
    Failing("relay", "尚无心跳"),
    *WORKERS,
)
READY = Readiness(True)


def waiting(**view: Any) -> Any:
    """Return what a start waits for of which all is well that is not named."""
    return first_missing(StartView(**{"engine_ready": True, "answer": READY, **view}))


@pytest.mark.parametrize(
    ("failing", "link"),
    [
        (ALL, "relay"),
        (ALL[:3] + WORKERS, "engine"),
        ((PROCESSES, ALL[2], *WORKERS), "feed"),
        ((PROCESSES, *WORKERS), "processes"),
        (WORKERS, "workers"),
        ((*WORKERS, Failing("something-new", "不详")), "something-new"),
        ((*ALL, Failing("database", "数据库不可用")), "database"),
        ((), None),
    ],
)
def test_the_cause_is_the_first_link_that_fails(failing: tuple[Failing, ...], link: str | None) -> None:
    assert Readiness(False, failing).link == link


def test_a_cause_is_one_short_sentence_however_many_symptoms_there_are() -> None:
    assert len(ALL) > 30
    assert Readiness(False, ALL).cause == "引擎桥：尚无心跳"
    assert f"等 {len(WORKERS)} 种未就绪（尚无心跳）" in Readiness(False, WORKERS).cause
    assert len(Readiness(False, (PROCESSES,)).cause) < 100
    assert f"等 {len(shipped_processes())} 个" in Readiness(False, (PROCESSES,)).cause
    assert Readiness(True).cause == ""


def test_an_engine_that_is_not_ready_is_the_cause_of_all_else() -> None:
    found = waiting(
        engine_ready=False,
        deployment=DeploymentState.NOT_BEGUN,
        answer=Readiness(False, ALL),
        restless={"web": "网站反复退出"},
    )
    assert found.cause == "流程引擎尚未就绪"
    assert found.at_work is Part.ENGINE
    assert "端口" in waiting(engine_ready=False, engine_trouble="管理端口无应答").cause


def test_what_keeps_dying_is_named_and_its_work_is_no_progress() -> None:
    found = waiting(engine_ready=False, restless={"engine": "流程引擎反复退出（退出码 1，已重启 4 次）"})
    assert "反复退出" in found.cause
    assert found.at_work is None
    found = waiting(answer=NO_ANSWER, restless={"web": "网站反复退出（退出码 1，已重启 2 次）"})
    assert "网站反复退出" in found.cause
    assert found.log == "web"


def test_a_part_that_died_once_does_not_keep_a_ready_instance_from_being_ready() -> None:
    assert waiting(restless={"web": "网站反复退出"}) is None


def test_a_deployment_under_way_is_waited_for_before_anything_is_called_ready() -> None:
    assert waiting(deployment=DeploymentState.RUNNING, deployment_settled=False).at_work is Part.DEPLOYMENT
    assert waiting(deployment=DeploymentState.FAILED, deployment_trouble="x", deployment_settled=False) is not None
    again = waiting(deployment=DeploymentState.RUNNING, deployment_trouble="x", deployment_settled=False)
    assert again.cause == "流程部署失败：x"
    assert not again.hopeless


def test_a_deployment_that_waits_for_a_cluster_names_the_cluster() -> None:
    unreachable = Readiness(False, (PROCESSES, Failing("engine", "引擎不可达")))
    found = waiting(engine_ready=None, deployment=DeploymentState.RUNNING, deployment_settled=False, answer=unreachable)
    assert found.cause == "流程引擎：引擎不可达"
    assert found.at_work is Part.DEPLOYMENT


def test_a_deployment_that_a_slow_cluster_does_not_answer_is_not_waited_for_once_the_models_are_there() -> None:
    running = {"engine_ready": None, "deployment": DeploymentState.RUNNING}
    assert waiting(**running, deployment_settled=False) is not None
    assert waiting(**running, deployment_settled=True) is None
    assert waiting(**running, answer=Readiness(False, WORKERS)).at_work is Part.WORKERS
    assert waiting(**running, answer=Readiness(False, (PROCESSES,))).cause == "流程正在部署"
    assert waiting(**running, answer=NO_ANSWER).cause == "流程正在部署"


def test_a_refused_deployment_keeps_only_an_instance_without_processes_from_being_ready() -> None:
    refused = {"deployment": DeploymentState.FAILED, "deployment_trouble": "acceptance.bpmn 有误"}
    assert waiting(**refused) is None
    found = waiting(**refused, answer=Readiness(False, (PROCESSES,)))
    assert found.hopeless
    assert "acceptance.bpmn" in found.cause
    slow = waiting(**refused, answer=Readiness(False, WORKERS))
    assert slow.at_work is Part.WORKERS
    assert not slow.hopeless


def test_records_that_do_not_come_from_somebody_elses_cluster_are_no_work_of_ours() -> None:
    assert waiting(answer=Readiness(False, (PROCESSES,))).at_work is Part.ENGINE
    assert waiting(engine_ready=None, answer=Readiness(False, (PROCESSES,))).at_work is None


def test_a_start_that_gets_on_is_waited_for_up_to_the_callers_limit() -> None:
    moving = WaitRecord("流程引擎尚未就绪", still_seconds=detached.STILL_SECONDS - 1)
    assert why_given_up(moving, elapsed=100_000, limit=0) is None
    assert why_given_up(moving, elapsed=599, limit=600) is None
    told = why_given_up(moving, elapsed=601, limit=600)
    assert told is not None
    assert "--ready-timeout" in told
    assert "流程引擎尚未就绪" in told


def test_a_start_that_stands_still_or_needs_a_person_is_given_up_with_its_cause() -> None:
    told = why_given_up(WaitRecord("网站：无应答", still_seconds=detached.STILL_SECONDS + 1), elapsed=241, limit=0)
    assert told is not None
    assert "没有任何进展：网站：无应答" in told
    assert why_given_up(WaitRecord("流程部署失败：x", hopeless=True), elapsed=1, limit=0) == "流程部署失败：x"
