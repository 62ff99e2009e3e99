"""The structure of what designers own: processes, decisions and forms fit together and follow the conventions.

What bpmnlint knows is left to `npm run lint:bpmn`; here stand the rules of bpmn/README.md, so that a model
saved from Modeler is checked without Node.js.
"""

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import parse

from settings import PROJECT_ROOT

FOLDER = PROJECT_ROOT / "bpmn"
BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
BPMNDI = "{http://www.omg.org/spec/BPMN/20100524/DI}"
DC = "{http://www.omg.org/spec/DD/20100524/DC}"
DI = "{http://www.omg.org/spec/DD/20100524/DI}"
ZEEBE = "{http://camunda.org/schema/zeebe/1.0}"
MODELER = "{http://camunda.org/schema/modeler/1.0}"
DMN = "{https://www.omg.org/spec/DMN/20191111/MODEL/}"

PREFIXES = {
    "startEvent": "StartEvent_",
    "endEvent": "EndEvent_",
    "intermediateCatchEvent": "CatchEvent_",
    "boundaryEvent": "BoundaryEvent_",
    "exclusiveGateway": "Gateway_",
    "parallelGateway": "Gateway_",
    "eventBasedGateway": "Gateway_",
    "serviceTask": "Task_",
    "userTask": "Task_",
    "businessRuleTask": "Task_",
    "callActivity": "CallActivity_",
    "subProcess": "Activity_",
    "sequenceFlow": "Flow_",
}
"""The id prefix of each kind of element; a kind that is not here is not used in our models."""

MODES = {"front-window", "direct-devolution", "substantive-review"}
TAKEOVER = "city-takeover"
CLOCKS = {"acceptance", "review", "decision", "delivery"}
WORDS = {
    "acceptance": ["accept", "correct", "refuse", "not_needed"],
    "acceptance-after-correction": ["accept", "refuse", "not_needed"],
    "review": ["agree", "return", "propose_deny"],
    "substantive-review": ["agree", "return", "propose_deny"],
    "decision": ["approve", "deny", "return"],
    "forwarding": ["forward", "return"],
    "consent": ["agree", "return"],
}
"""The outcomes that outside systems rely on, the favourable one first; every other form has `done` alone."""

MODELS = sorted(FOLDER.glob("*.bpmn"))
DECISIONS = sorted(FOLDER.glob("*.dmn"))
FORMS = sorted((FOLDER / "forms").glob("*.form"))
each_model = pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
each_decision = pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
each_form = pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)


def definitions(path: Path) -> Element:
    """Return the root element of a model."""
    root = parse(path).getroot()
    assert root is not None
    return root


def process(path: Path) -> Element:
    """Return the one process of a model."""
    processes = definitions(path).findall(f"{BPMN}process")
    assert len(processes) == 1
    return processes[0]


def kind(element: Element) -> str:
    """Return the element's BPMN name, empty for an element of another namespace."""
    return element.tag.removeprefix(BPMN) if element.tag.startswith(BPMN) else ""


def elements(path: Path, *kinds: str) -> Iterator[Element]:
    """Yield the flow elements of the kinds named, all of them when none is named, subprocesses included."""
    for element in process(path).iter():
        if kind(element) in (kinds or PREFIXES):
            yield element


def extension(element: Element, name: str) -> Element | None:
    """Return the element's own Zeebe extension of that name."""
    return element.find(f"{BPMN}extensionElements/{ZEEBE}{name}")


def mapped(element: Element, direction: str) -> dict[str, str]:
    """Return target → source of the element's input or output mappings."""
    mappings = element.findall(f"{BPMN}extensionElements/{ZEEBE}ioMapping/{ZEEBE}{direction}")
    return {mapping.attrib["target"]: mapping.attrib["source"] for mapping in mappings}


def form(path: Path) -> dict[str, Any]:
    """Return a form's schema."""
    schema = json.loads(path.read_text(encoding="utf-8"))
    assert isinstance(schema, dict)
    return schema


def test_the_models_are_there() -> None:
    called = {"acceptance", "push-to-city", "transfer-to-city", "issuance", "deadline-watch", "special-procedure"}
    assert {path.stem for path in MODELS} >= MODES | called


@each_model
def test_a_file_holds_the_one_executable_process_it_is_named_after(path: Path) -> None:
    root = definitions(path)
    assert process(path).attrib["id"] == path.stem
    assert process(path).attrib["isExecutable"] == "true"
    assert root.attrib[f"{MODELER}executionPlatform"] == "Camunda Cloud"
    assert root.attrib[f"{MODELER}executionPlatformVersion"].startswith("8.5.")


@each_model
def test_ids_say_what_the_element_means(path: Path) -> None:
    """An id as Modeler makes it up (`Activity_0x1k2yz`) is replaced by words before it is committed."""
    for element in elements(path):
        identifier = element.attrib["id"]
        assert identifier.startswith(PREFIXES[kind(element)]), identifier
        assert re.fullmatch(r"[A-Z][A-Za-z]+_[A-Z][A-Za-z]+", identifier), identifier


@each_model
def test_only_known_kinds_of_element_are_used(path: Path) -> None:
    flow_nodes = {e for e in process(path).iter() if kind(e).endswith(("Task", "Gateway", "Event", "Activity", "task"))}
    assert {kind(e) for e in flow_nodes} <= set(PREFIXES)


@each_model
def test_everything_a_reader_sees_is_labelled_in_chinese(path: Path) -> None:
    splitting = [e for e in elements(path, "exclusiveGateway") if len(e.findall(f"{BPMN}outgoing")) > 1]
    named = [e for e in elements(path) if not kind(e).endswith(("Gateway", "Flow"))]
    for element in [process(path), *named, *splitting]:
        assert re.search(r"[\u4e00-\u9fff]", element.get("name", "")), element.get("id")
    for gateway in splitting:
        assert gateway.attrib["name"].endswith("？"), gateway.attrib["id"]


@each_model
def test_every_branch_of_a_decision_is_answered_and_conditional_or_the_default(path: Path) -> None:
    flows = {flow.attrib["id"]: flow for flow in elements(path, "sequenceFlow")}
    for gateway in elements(path, "exclusiveGateway"):
        branches = [flows[str(outgoing.text)] for outgoing in gateway.findall(f"{BPMN}outgoing")]
        if len(branches) == 1:
            continue
        for flow in branches:
            default = gateway.get("default") == flow.attrib["id"]
            assert flow.get("name"), flow.attrib["id"]
            assert (flow.find(f"{BPMN}conditionExpression") is None) == default, flow.attrib["id"]


@each_model
def test_every_element_is_drawn_and_edges_run_at_right_angles(path: Path) -> None:
    plane = definitions(path).find(f"{BPMNDI}BPMNDiagram/{BPMNDI}BPMNPlane")
    assert plane is not None
    drawn = {shape.attrib["bpmnElement"] for shape in plane}
    assert {element.attrib["id"] for element in elements(path)} == drawn
    for shape in plane.findall(f"{BPMNDI}BPMNShape"):
        assert shape.find(f"{DC}Bounds") is not None
    for edge in plane.findall(f"{BPMNDI}BPMNEdge"):
        points = [(float(p.attrib["x"]), float(p.attrib["y"])) for p in edge.findall(f"{DI}waypoint")]
        for (x1, y1), (x2, y2) in pairwise(points):
            assert x1 == x2 or y1 == y2, edge.attrib["bpmnElement"]


@each_model
def test_shapes_do_not_overlap(path: Path) -> None:
    on_top = {element.attrib["id"] for element in elements(path, "subProcess", "boundaryEvent")}
    boxes = []
    for shape in definitions(path).iter(f"{BPMNDI}BPMNShape"):
        box = shape.find(f"{DC}Bounds")
        if box is None or shape.attrib["bpmnElement"] in on_top:
            continue
        x, y, w, h = (float(box.attrib[name]) for name in ("x", "y", "width", "height"))
        boxes.append((shape.attrib["bpmnElement"], x, y, x + w, y + h))
    for index, (one, left, top, right, bottom) in enumerate(boxes):
        for other, left2, top2, right2, bottom2 in boxes[index + 1 :]:
            assert right <= left2 or right2 <= left or bottom <= top2 or bottom2 <= top, (one, other)


@each_model
def test_a_called_process_exists_and_shares_only_the_variables_named(path: Path) -> None:
    for call in elements(path, "callActivity"):
        called = extension(call, "calledElement")
        assert called is not None
        assert (FOLDER / f"{called.attrib['processId']}.bpmn").is_file()
        assert called.attrib["propagateAllChildVariables"] == "false", call.attrib["id"]
        assert called.attrib["propagateAllParentVariables"] == "false", call.attrib["id"]
        assert "caseId" in mapped(call, "input"), call.attrib["id"]


@each_model
def test_a_human_step_is_a_native_user_task_with_groups_and_a_form_that_exists(path: Path) -> None:
    for task in elements(path, "userTask"):
        identifier = task.attrib["id"]
        assert extension(task, "userTask") is not None, identifier
        assignment, link = extension(task, "assignmentDefinition"), extension(task, "formDefinition")
        assert assignment is not None, identifier
        assert link is not None, identifier
        assert re.fullmatch(r"=\[.+\]", assignment.attrib["candidateGroups"]), identifier
        assert (FOLDER / "forms" / f"{link.attrib['formId']}.form").is_file(), identifier


@each_model
def test_the_clock_header_names_a_share_of_the_legal_clock(path: Path) -> None:
    for task in elements(path, "userTask"):
        headers = task.findall(f"{BPMN}extensionElements/{ZEEBE}taskHeaders/{ZEEBE}header")
        for header in headers:
            assert header.attrib["key"] != "clock" or header.attrib["value"] in CLOCKS, task.attrib["id"]


@each_model
def test_a_gateway_asks_only_for_outcomes_that_the_form_before_it_offers(path: Path) -> None:
    sources = {flow.attrib["targetRef"]: flow.attrib["sourceRef"] for flow in elements(path, "sequenceFlow")}
    tasks = {task.attrib["id"]: task for task in elements(path, "userTask")}
    asked: dict[str, set[str]] = {}
    for flow in elements(path, "sequenceFlow"):
        condition = flow.findtext(f"{BPMN}conditionExpression") or ""
        asked.setdefault(flow.attrib["sourceRef"], set()).update(re.findall(r'\boutcome = "(\w+)"', condition))
    for gateway, words in asked.items():
        if not words or sources[gateway] not in tasks:
            continue
        link = extension(tasks[sources[gateway]], "formDefinition")
        assert link is not None
        schema = form(FOLDER / "forms" / f"{link.attrib['formId']}.form")
        radio = next(c for c in schema["components"] if c.get("key") == "outcome")
        assert {value["value"] for value in radio["values"]} == words, gateway


@each_model
def test_a_service_task_names_its_job_and_tries_three_times(path: Path) -> None:
    for task in elements(path, "serviceTask"):
        definition = extension(task, "taskDefinition")
        assert definition is not None
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", definition.attrib["type"]), task.attrib["id"]
        assert definition.attrib["retries"] == "3", task.attrib["id"]


@each_model
def test_a_called_decision_exists_and_its_answer_has_a_name(path: Path) -> None:
    for task in elements(path, "businessRuleTask"):
        called = extension(task, "calledDecision")
        assert called is not None
        assert (FOLDER / f"{called.attrib['decisionId']}.dmn").is_file(), task.attrib["id"]
        assert called.attrib["resultVariable"], task.attrib["id"]


@each_model
def test_every_message_used_is_defined_and_every_message_defined_is_used(path: Path) -> None:
    root = definitions(path)
    messages = {message.attrib["id"]: message for message in root.findall(f"{BPMN}message")}
    used = {e.attrib["messageRef"] for e in root.iter(f"{BPMN}messageEventDefinition")}
    assert used == set(messages)
    starts = {
        definition.attrib["messageRef"]
        for event in process(path).findall(f"{BPMN}startEvent")
        for definition in event.findall(f"{BPMN}messageEventDefinition")
    }
    for identifier, message in messages.items():
        assert identifier.startswith("Msg_"), identifier
        subscription = extension(message, "subscription")
        assert identifier in starts or (subscription is not None and subscription.get("correlationKey")), identifier


@each_model
def test_timers_wait_for_an_instant_and_never_for_a_fixed_duration(path: Path) -> None:
    for timer in process(path).iter(f"{BPMN}timerEventDefinition"):
        instant = timer.findtext(f"{BPMN}timeDate") or ""
        assert re.fullmatch(r"=date and time\(\w+\)", instant), timer.attrib["id"]


@each_model
def test_only_mode_processes_have_event_subprocesses(path: Path) -> None:
    """Withdrawal caught in a called process would end the child and let the parent go on.

    In the takeover that is meant: after its call the mode process has nothing left to do.
    """
    found = [e.attrib["id"] for e in elements(path, "subProcess") if e.get("triggeredByEvent") == "true"]
    assert len(found) == (3 if path.stem in MODES else 2 if path.stem == TAKEOVER else 0)


@each_model
def test_a_special_procedure_takes_its_id_by_the_input_mapping_of_its_one_call(path: Path) -> None:
    """Two overlapping event subprocesses overwrite each other's variables; the mapping reads in time."""
    for subprocess in elements(path, "subProcess"):
        start = subprocess.find(f"{BPMN}startEvent")
        assert start is not None
        if start.get("isInterrupting") != "false":
            continue
        steps = [kind(child) for child in subprocess if kind(child).endswith(("Task", "Activity", "Gateway"))]
        assert steps == ["callActivity"]
        call = subprocess.find(f"{BPMN}callActivity")
        assert call is not None
        assert mapped(call, "input")["specialProcedureId"] == "=specialProcedureId"


@each_model
def test_a_mode_process_ends_its_deadline_watch_by_terminating(path: Path) -> None:
    if path.stem not in MODES:
        return
    ends = {end.attrib["id"]: end for end in process(path).findall(f"{BPMN}endEvent")}
    for identifier in ("EndEvent_Approved", "EndEvent_Denied"):
        assert ends[identifier].find(f"{BPMN}terminateEventDefinition") is not None


@each_decision
def test_a_decision_file_holds_the_decision_it_is_named_after_and_somebody_calls_it(path: Path) -> None:
    decisions = definitions(path).findall(f"{DMN}decision")
    assert [decision.attrib["id"] for decision in decisions] == [path.stem]
    called = {
        definition.attrib["decisionId"]
        for model in MODELS
        for task in elements(model, "businessRuleTask")
        if (definition := extension(task, "calledDecision")) is not None
    }
    assert path.stem in called


@each_decision
def test_a_decision_is_unique_with_a_catch_all_and_every_cell_filled(path: Path) -> None:
    table = definitions(path).find(f"{DMN}decision/{DMN}decisionTable")
    assert table is not None
    assert table.get("hitPolicy", "UNIQUE") == "UNIQUE"
    rules = table.findall(f"{DMN}rule")
    for rule in rules:
        cells = [*rule.findall(f"{DMN}inputEntry"), *rule.findall(f"{DMN}outputEntry")]
        assert all((cell.findtext(f"{DMN}text") or "").strip() for cell in cells), rule.attrib["id"]
    catch_all = [rule for rule in rules if "兜底" in (rule.findtext(f"{DMN}description") or "")]
    assert any("not(" in "".join(rule.itertext()) for rule in catch_all)


@each_form
def test_a_form_is_named_after_its_file_and_somebody_uses_it(path: Path) -> None:
    schema = form(path)
    assert schema["id"] == path.stem
    assert schema["executionPlatform"] == "Camunda Cloud"
    used = {
        link.attrib["formId"]
        for model in MODELS
        for task in elements(model, "userTask")
        if (link := extension(task, "formDefinition")) is not None
    }
    assert path.stem in used


@each_form
def test_a_form_asks_for_an_outcome_in_the_agreed_words_and_for_an_opinion(path: Path) -> None:
    fields = {component["key"]: component for component in form(path)["components"] if "key" in component}
    outcome, opinion = fields["outcome"], fields["opinion"]
    values = [value["value"] for value in outcome["values"]]
    assert outcome["type"] == "radio"
    assert outcome["validate"]["required"]
    assert values == WORDS.get(path.stem, ["done"])
    assert outcome["defaultValue"] == values[0]
    assert opinion["type"] == "textarea"
    assert not opinion.get("validate", {}).get("required", False)


@each_form
def test_a_form_asks_for_nothing_it_cannot_complete_without(path: Path) -> None:
    """Only an on-site check is a record of its own, of people and a day that no default may stand for."""
    required = {
        component["key"]: component.get("defaultValue")
        for component in form(path)["components"]
        if component.get("validate", {}).get("required")
    }
    if path.stem == "on-site-check":
        unsaid = {key for key, default in required.items() if default is None}
        assert unsaid == {"inspector_one", "inspector_two", "inspected_on", "finding"}
    else:
        assert all(default not in (None, "") for default in required.values())


@each_form
def test_the_ids_and_keys_of_a_form_are_given_by_hand(path: Path) -> None:
    components = form(path)["components"]
    inner = [one for component in components for one in component.get("components", [])]
    assert all(
        re.fullmatch(r"(Field|Text|List)_[A-Z][A-Za-z]+", component["id"]) for component in [*components, *inner]
    )
    keys = [component.get("key") or component["path"] for component in components if component["type"] != "text"]
    assert len(keys) == len(set(keys))
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", key) for key in keys)
