"""Rules of this product for process and form files that bpmnlint cannot know: encoding, workers, forms, clock …"""

import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml.ElementTree import parse

from models.model_files import UnreadableModel, read_form, read_process
from models.task import ClockShare

_BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
_DMN = "{https://www.omg.org/spec/DMN/20191111/MODEL/}"
_ZEEBE = "{http://camunda.org/schema/zeebe/1.0}"
_CLOCKS = frozenset(share.value for share in ClockShare)


def unreadable(name: str, content: bytes) -> str | None:
    """Say why the product could not read a form or model that the engine may take; ``None`` when it can."""
    try:
        if name.endswith(".form"):
            read_form(content)
        else:
            read_process(content)
    except UnreadableModel as exc:
        return str(exc)
    return None


def is_whole(path: Path) -> bool:
    """Tell whether a file can be read and its flows have both ends; bpmnlint breaks down on one that is not."""
    root = _read(path)
    return root is not None and not any(_loose_ends(root))


def faults_in(models: list[Path], home: Path) -> list[str]:
    """Return one sentence for each fault, naming file and element.

    What a file refers to is looked for beside it and in ``home``, so that one saved elsewhere can be checked alone.
    """
    return [f"{path.name}：{fault}" for path in models for fault in _faults(path, home)]


def _faults(path: Path, home: Path) -> Iterator[str]:
    fault = unreadable(path.name, path.read_bytes())
    if fault is not None:
        yield fault
        return
    if path.suffix == ".form":
        return
    root = _read(path)
    if root is None:
        yield "不是有效的 XML"
        return
    yield from _loose_ends(root)
    forms, processes, tables = (one | two for one, two in zip(_ids(path.parent), _ids(home), strict=True))
    for element in root.iter():
        kind, name = element.tag.removeprefix(_BPMN), f"{element.get('name') or ''}（{element.get('id')}）"
        if kind == "userTask":
            yield from (f"任务“{name}”{fault}" for fault in _user_task_faults(element, forms))
        job = _extension(element, "taskDefinition")
        if job is not None and not (job.get("type") or "").startswith("=") and job.get("type") not in _job_types():
            yield f"“{name}”的作业类型 {job.get('type')} 没有处理程序，办件会停在这一步"
        for tag, attribute, known, what in (
            ("calledElement", "processId", processes, "流程"),
            ("calledDecision", "decisionId", tables, "决策表"),
        ):
            called = _extension(element, tag)
            target = "" if called is None else called.get(attribute) or ""
            if called is not None and not target.startswith("=") and target not in known:
                yield f"“{name}”调用的{what} {target} 不存在"


def _loose_ends(root: Element) -> Iterator[str]:
    known = {element.get("id") for element in root.iter()}
    for flow in root.iter(f"{_BPMN}sequenceFlow"):
        for end in ("sourceRef", "targetRef"):
            if flow.get(end) not in known:
                yield f"连线 {flow.get('id')} 连着不存在的节点 {flow.get(end)}"


def _user_task_faults(task: Element, forms: set[str]) -> Iterator[str]:
    if _extension(task, "userTask") is None:
        yield "不是 Zeebe 用户任务（Implementation 选 Zeebe user task），不会进入任务列表"
    assignment = _extension(task, "assignmentDefinition")
    if assignment is None or not (assignment.get("candidateGroups") or "").strip():
        yield "没有候选组，没有人能看到它"
    form = _extension(task, "formDefinition")
    if form is not None and form.get("formId") is None:
        yield "的表单不是链接的 Camunda Form（formId）"
    elif form is not None and not form.attrib["formId"].startswith("=") and form.attrib["formId"] not in forms:
        yield f"的表单 {form.attrib['formId']} 不存在"
    for header in task.iterfind(f"{_BPMN}extensionElements/{_ZEEBE}taskHeaders/{_ZEEBE}header"):
        if header.get("key") == "clock" and header.get("value") not in _CLOCKS:
            yield f"的任务头 clock={header.get('value')} 应为 {'、'.join(sorted(_CLOCKS))}"


def _extension(element: Element, name: str) -> Element | None:
    return element.find(f"{_BPMN}extensionElements/{_ZEEBE}{name}")


def _read(path: Path) -> Element | None:
    try:
        return parse(path).getroot()
    except (ParseError, ValueError):
        return None


def _ids(folder: Path) -> tuple[set[str], set[str], set[str]]:
    """Return the ids of the forms, processes and decisions in a folder."""
    forms: set[str] = set()
    for path in (*folder.glob("*.form"), *folder.glob("forms/*.form")):
        try:
            forms.add(json.loads(path.read_text(encoding="utf-8")).get("id"))
        except (ValueError, AttributeError):
            continue
    return forms, _named(folder, "*.bpmn", f"{_BPMN}process"), _named(folder, "*.dmn", f"{_DMN}decision")


def _named(folder: Path, pattern: str, tag: str) -> set[str]:
    roots = (root for path in folder.glob(pattern) if (root := _read(path)) is not None)
    return {element.get("id", "") for root in roots for element in root.iter(tag)}


def _job_types() -> set[str]:
    from workers.runtime import collect_routers

    return {task.type for router in collect_routers() for task in router.tasks}
