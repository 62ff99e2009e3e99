"""What `tongquan lint` says of a process that does not fit this product."""

import shutil
from pathlib import Path

import pytest

from ops.model_rules import faults_in
from settings import PROJECT_ROOT

BPMN = PROJECT_ROOT / "bpmn"


def test_the_shipped_processes_fit() -> None:
    assert faults_in(sorted(BPMN.glob("*.bpmn")), BPMN) == []


@pytest.mark.parametrize(
    ("written", "instead", "said"),
    [
        ('type="case-start"', 'type="no-such-job"', "作业类型 no-such-job 没有处理程序"),
        ('formId="review"', 'formId="no-such-form"', "表单 no-such-form 不存在"),
        ('key="clock" value="review"', 'key="clock" value="soon"', "任务头 clock=soon"),
        ("<zeebe:userTask />", "", "不是 Zeebe 用户任务"),
        ('candidateGroups="=[&#34;city.&#34; + cityUnit + &#34;.reviewer&#34;]"', "", "没有候选组"),
        ('processId="issuance"', 'processId="gone"', "流程 gone 不存在"),
        ('targetRef="Task_StartCase"', 'targetRef="Task_Nowhere"', "连着不存在的节点 Task_Nowhere"),
        ("</bpmn:definitions>", "", "不是有效的 XML"),
    ],
)
def test_a_fault_is_told_with_file_and_element(tmp_path: Path, written: str, instead: str, said: str) -> None:
    models = tmp_path / "bpmn"
    shutil.copytree(BPMN, models)
    changed = models / "front-window.bpmn"
    text = changed.read_text(encoding="utf-8")
    assert written in text
    changed.write_text(text.replace(written, instead, 1), encoding="utf-8")
    faults = faults_in([changed], models)
    assert any(fault.startswith("front-window.bpmn：") and said in fault for fault in faults), faults


def test_a_file_saved_elsewhere_is_checked_against_the_shipped_models(tmp_path: Path) -> None:
    alone = tmp_path / "front-window.bpmn"
    shutil.copy(BPMN / alone.name, alone)
    assert faults_in([alone], BPMN) == []
    assert any("不存在" in fault for fault in faults_in([alone], tmp_path))
