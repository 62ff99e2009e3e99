"""A designer's change shows in the task list after a deployment, with no Python edit."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from settings import PROJECT_ROOT
from tests.instance import Instance, run, start

pytestmark = pytest.mark.engine

STEP = """<bpmn:userTask id="Task_ConsultExperts" name="征求专家意见">
      <bpmn:extensionElements>
        <zeebe:userTask />
        <zeebe:assignmentDefinition candidateGroups="=[&#34;city.&#34; + cityUnit + &#34;.advisor&#34;]" />
        <zeebe:taskHeaders><zeebe:header key="clock" value="review" /></zeebe:taskHeaders>
      </bpmn:extensionElements>
      <bpmn:incoming>Flow_ToConsult</bpmn:incoming>
      <bpmn:outgoing>Flow_FromConsult</bpmn:outgoing>
    </bpmn:userTask>
    <bpmn:sequenceFlow id="Flow_FromConsult" sourceRef="Task_ConsultExperts" targetRef="Task_CityReview" />
    """
SHAPE = """<bpmndi:BPMNShape id="Task_ConsultExperts_di" bpmnElement="Task_ConsultExperts">
        <dc:Bounds x="100" y="100" width="100" height="80" />
      </bpmndi:BPMNShape>
      """


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """Start an instance whose processes may be changed."""
    instance = start(tmp_path_factory.mktemp("designer"))
    yield instance
    instance.stop()


def with_a_new_step(source: Path, target: Path) -> None:
    """Copy the models and put a step with a new candidate group before the city's review."""
    shutil.copytree(source, target)
    path = target / "front-window.bpmn"
    xml = path.read_text()
    flows = re.findall(r'<bpmn:sequenceFlow id="([^"]+)"[^>]*targetRef="Task_CityReview"', xml)
    redirected = flows[0]
    xml = re.sub(
        rf'(<bpmn:sequenceFlow id="{redirected}"[^>]*targetRef=")Task_CityReview"', r'\1Task_ConsultExperts"', xml
    )
    xml = re.sub(
        rf'(<bpmn:userTask id="Task_CityReview".*?)<bpmn:incoming>{redirected}</bpmn:incoming>',
        r"\1<bpmn:incoming>Flow_FromConsult</bpmn:incoming>",
        xml,
        flags=re.DOTALL,
    )
    step = STEP.replace("Flow_ToConsult", redirected)
    xml = xml.replace('<bpmn:userTask id="Task_CityReview"', step + '<bpmn:userTask id="Task_CityReview"', 1)
    xml = xml.replace("<bpmndi:BPMNShape", SHAPE + "<bpmndi:BPMNShape", 1)
    path.write_text(xml)


def test_a_step_added_by_a_designer_becomes_a_task(running: Instance, tmp_path: Path) -> None:
    before = running.submit("W-01", "xingguo")
    running.task(before, "Task_DecideAcceptance")
    models = tmp_path / "bpmn"
    with_a_new_step(PROJECT_ROOT / "bpmn", models)
    deployed = run("deploy", str(models), "--state-dir", str(running.state_dir))
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    assert "front-window" in deployed.stdout
    case_no = running.submit("W-01", "xingguo")
    running.complete(case_no, "Task_DecideAcceptance", "accept")
    running.complete(case_no, "Task_ConfirmReceipt", "done")
    task = running.task(case_no, "Task_ConsultExperts")
    assert task["name"] == "征求专家意见"
    assert task["candidate_groups"] == ["city.zrzy.advisor"]
    assert task["outcomes"] == [{"value": "done", "label": "完成"}]
    assert task["due_at"] is not None
    running.complete(case_no, "Task_ConsultExperts", "done")
    assert running.finish(case_no)["state"]["code"] == 11
    assert "Task_ConsultExperts" not in {o["element_id"] for o in running.finish(before)["opinions"]}
    versions = [
        one["version"]
        for one in running.api("admin.system").get("/processes").json()["items"]
        if one["id"] == "front-window"
    ]
    assert max(versions) == 2


def test_a_broken_model_is_refused_with_its_name_and_changes_nothing(running: Instance, tmp_path: Path) -> None:
    models = tmp_path / "bpmn"
    shutil.copytree(PROJECT_ROOT / "bpmn", models)
    broken = models / "acceptance.bpmn"
    broken.write_text(broken.read_text().replace('targetRef="Task_CheckApplication"', 'targetRef="Task_Nowhere"', 1))
    refused = run("deploy", str(models), "--state-dir", str(running.state_dir))
    assert refused.returncode != 0
    assert "acceptance.bpmn" in refused.stdout + refused.stderr
    assert running.finish(running.submit("W-01", "xingguo"))["state"]["code"] == 11


def counted_before_yellow(case: dict[str, Any]) -> int:
    """Return on which counted day the yellow light comes on."""
    yellow = case["clock"]["yellow_on"] or ""
    return sum(day["status"] == "counted" and day["date"] <= yellow for day in case["clock"]["days"])


def test_a_changed_threshold_reaches_a_running_case_with_its_next_change(running: Instance, tmp_path: Path) -> None:
    case_no = running.submit("W-01", "xingguo")
    running.complete(case_no, "Task_DecideAcceptance", "accept")
    running.until(case_no, lambda case: counted_before_yellow(case) == 14, "0.7 of twenty working days")
    models = tmp_path / "bpmn"
    shutil.copytree(PROJECT_ROOT / "bpmn", models)
    table = models / "warning-thresholds.dmn"
    entry = '<outputEntry id="OutputEntry_Window_YellowShare">\n          <text>'
    assert f"{entry}0.7<" in table.read_text()
    table.write_text(table.read_text().replace(f"{entry}0.7<", f"{entry}0.2<"))
    deployed = run("deploy", str(models), "--state-dir", str(running.state_dir))
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    extended = running.api("city.zrzy.approver").post(
        f"/cases/{case_no}/extension", json={"days": 5, "reason": "案情复杂"}
    )
    assert extended.status_code == 201, extended.text
    running.until(case_no, lambda case: counted_before_yellow(case) == 5, "0.2 of twenty-five working days")
