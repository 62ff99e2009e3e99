"""A designer's change shows in the task list after a deployment, with no Python edit."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from settings import PROJECT_ROOT
from tests import instance as instances
from tests.databases import Databases
from tests.instance import Instance, run

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
def running(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """Start an instance whose processes may be changed."""
    with instances.running(databases, tmp_path_factory.mktemp("designer")) as started:
        yield started


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


def without_a_step(source: Path, target: Path, model: str, flow: str, behind: str) -> None:
    """Copy the models and let one flow lead past the step it led to."""
    shutil.copytree(source, target)
    path = target / model
    xml, count = re.subn(rf'(<bpmn:sequenceFlow id="{flow}"[^>]*targetRef=")\w+"', rf'\1{behind}"', path.read_text())
    assert count == 1
    path.write_text(xml)


def refused_decision(running: Instance, case_no: str, outcome: str) -> str:
    """Return what the approver is told, who is refused a decision for want of the dossier."""
    task = running.task(case_no, "Task_CityDecide")
    answer = running.api(task["candidate_groups"][0]).post(
        f"/tasks/{task['id']}/complete", json={"outcome": outcome, "opinion": "同意"}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "dossier_missing"), answer.text
    return str(answer.json()["detail"])


def brought_to_the_decision(running: Instance, *steps: str) -> str:
    """Submit a ``substantive`` case and answer each step favourably; return its number."""
    case_no = running.submit("S-30", "zhanggong")
    for step in steps:
        running.complete(case_no, step, running.task(case_no, step)["outcomes"][0]["value"])
    return case_no


TO_THE_CITY = ("Task_DecideAcceptance", "Task_CountyReview", "Task_SignDossier")


@pytest.mark.parametrize(
    ("model", "flow", "behind", "dossier"),
    [
        ("substantive-review.bpmn", "Flow_DossierSignedToTransferToCity", "Gateway_JoinCityReview", False),
        ("transfer-to-city.bpmn", "Flow_BuildDossierToConfirmDossier", "EndEvent_DossierReceived", True),
    ],
    ids=["no dossier", "a dossier nobody receives"],
)
def test_a_model_that_skips_the_dossier_brings_the_city_no_decision(
    running: Instance, tmp_path: Path, model: str, flow: str, behind: str, *, dossier: bool
) -> None:
    models = tmp_path / "bpmn"
    without_a_step(PROJECT_ROOT / "bpmn", models, model, flow, behind)
    deployed = run("deploy", str(models), "--state-dir", str(running.state_dir))
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    case_no = brought_to_the_decision(running, *TO_THE_CITY, "Task_CityReview")
    assert (running.case(case_no)["dossier"] is not None) == dossier
    for outcome in ("approve", "deny"):
        assert refused_decision(running, case_no, outcome) == "市级单位尚未签收审核转报件，不能作出决定"
    case = running.case(case_no)
    assert case["decision"] is None
    assert not [one for one in case["documents"] if one["kind"].endswith("决定书")]

    mended = run("deploy", str(PROJECT_ROOT / "bpmn"), "--state-dir", str(running.state_dir))
    assert mended.returncode == 0, mended.stdout + mended.stderr
    if dossier:
        running.complete(case_no, "Task_CityDecide", "return", "未经签收")
        running.complete(case_no, "Task_CityReview", "return", "重新转报")
        for step in ("Task_CountyReview", "Task_SignDossier", "Task_ConfirmDossier", "Task_CityReview"):
            running.complete(case_no, step, running.task(case_no, step)["outcomes"][0]["value"])
        assert running.finish(case_no)["state"]["code"] == 11
