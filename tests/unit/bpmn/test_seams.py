"""The seams between models and code: job types, messages, thrown errors and decisions."""

import re

from models.protocol import JobType, Message, Process
from settings import PROJECT_ROOT
from workers.runtime import collect_routers

BPMN = PROJECT_ROOT / "bpmn"
MODELS = {path.stem: path.read_text() for path in sorted(BPMN.glob("*.bpmn"))}


def test_every_job_type_of_the_models_has_one_worker_and_the_reverse() -> None:
    drawn = {kind for xml in MODELS.values() for kind in re.findall(r'taskDefinition type="([^"]+)"', xml)}
    served = [task.type for router in collect_routers() for task in router.tasks]
    assert len(served) == len(set(served))
    assert drawn == set(served) == {kind.value for kind in JobType}


def test_every_message_of_the_models_has_a_sender_and_the_reverse() -> None:
    drawn = {name for xml in MODELS.values() for name in re.findall(r'<bpmn:message id="[^"]+" name="([^"]+)"', xml)}
    assert drawn == {message.value for message in Message}


def test_the_mode_processes_exist() -> None:
    assert {process.value for process in Process} <= set(MODELS)


def test_every_thrown_error_is_caught_in_a_model() -> None:
    thrown = {
        code
        for path in (BPMN.parent / "workers").glob("*.py")
        for code in re.findall(r'BusinessError\(\s*"([^"]+)"', path.read_text())
    }
    caught = {code for xml in MODELS.values() for code in re.findall(r'errorCode="([^"]+)"', xml)}
    assert thrown <= caught
