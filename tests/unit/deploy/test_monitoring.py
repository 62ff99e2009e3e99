"""The alert rules and the Grafana dashboard speak of figures, labels and runbooks that are there."""

import importlib
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from sqlmodel import Session

from api.application import create_app
from api.metrics import Metrics
from models.database import Database
from models.engine_state import FeedPosition, Heartbeat
from models.outbox import OutboxStatus
from models.webhook import DeliveryStatus
from services import health
from services.clock import machine_now
from services.heartbeats import FEED
from services.setup import prepare
from settings import PROJECT_ROOT, get_settings
from tests.databases import Databases

RULES_FILE = PROJECT_ROOT / "deploy/prometheus/tongquan-alerts.yml"
DASHBOARD_FILE = PROJECT_ROOT / "deploy/grafana/tongquan.json"
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load(RULES_FILE.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]
]
DASHBOARD: dict[str, Any] = json.loads(DASHBOARD_FILE.read_text(encoding="utf-8"))
PROMETHEUS_OWN = {"up": {"job", "instance"}}
"""What Prometheus itself adds: whether a target was reached, and the labels of every sample."""
DURATION = r"^(\d+(ms|[smhdwy]))+$"
RULES_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["groups"],
    "properties": {
        "groups": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name", "rules"],
                "properties": {
                    "name": {"type": "string", "minLength": 1},
                    "interval": {"type": "string", "pattern": DURATION},
                    "rules": {
                        "type": "array",
                        "minItems": 1,
                        "items": {
                            "type": "object",
                            "additionalProperties": False,
                            "required": ["alert", "expr", "labels", "annotations"],
                            "properties": {
                                "alert": {"type": "string", "pattern": "^[A-Z][A-Za-z]+$"},
                                "expr": {"type": "string", "minLength": 1},
                                "for": {"type": "string", "pattern": DURATION},
                                "labels": {
                                    "type": "object",
                                    "additionalProperties": False,
                                    "required": ["severity"],
                                    "properties": {"severity": {"enum": ["critical", "warning", "info"]}},
                                },
                                "annotations": {
                                    "type": "object",
                                    "additionalProperties": False,
                                    "required": ["summary", "runbook"],
                                    "properties": {"summary": {"type": "string"}, "runbook": {"type": "string"}},
                                },
                            },
                        },
                    },
                },
            },
        }
    },
}
"""The part of Prometheus's format for rule files that is used here."""
DASHBOARD_SCHEMA = {
    "type": "object",
    "required": ["uid", "title", "schemaVersion", "panels", "templating", "time"],
    "properties": {
        "schemaVersion": {"type": "integer", "minimum": 36},
        "panels": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["id", "type", "title", "gridPos", "targets", "datasource", "fieldConfig", "options"],
                "properties": {
                    "id": {"type": "integer"},
                    "type": {"enum": ["stat", "timeseries", "state-timeline"]},
                    "gridPos": {
                        "type": "object",
                        "required": ["h", "w", "x", "y"],
                        "additionalProperties": {"type": "integer", "minimum": 0, "maximum": 200},
                    },
                    "targets": {
                        "type": "array",
                        "minItems": 1,
                        "items": {"type": "object", "required": ["expr", "refId", "legendFormat", "datasource"]},
                    },
                },
            },
        },
    },
}
"""What every version of Grafana since 9 asks of a dashboard's panels."""
WIDTH = 24
SELECTOR = re.compile(r"\b(tongquan_\w+|up)\b(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"([^"]*)"')


@pytest.fixture(scope="module")
def served(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A prepared database whose feed has said something, so that every figure is told."""
    folder = tmp_path_factory.mktemp("monitored")
    with databases.empty(folder) as database, pytest.MonkeyPatch.context() as environment:
        environment.setenv("TONGQUAN_STATE_DIR", str(folder))
        environment.setenv("DATABASE_URL", database.url)
        get_settings.cache_clear()
        prepare(get_settings())
        with database.transaction() as session:
            speak(session)
        yield database
        get_settings.cache_clear()


def speak(session: Session) -> None:
    session.add(Heartbeat(component=FEED, at=machine_now(), detail={"lag_seconds": 0.0}))
    session.add(FeedPosition(exporter="feed", partition=1, position=1, record_at=machine_now()))


@pytest.fixture(scope="module")
def labels(served: Database) -> Mapping[str, set[str]]:
    """By sample name, as Prometheus stores it, the labels a sample of it can have."""
    metrics = Metrics(served)
    metrics.observe("GET", "/readyz", 200, 0.01)
    found: dict[str, set[str]] = defaultdict(set)
    for family in text_string_to_metric_families(metrics.exposition().decode()):
        for sample in family.samples:
            found[sample.name] |= set(sample.labels)
    found["tongquan_cases"].add("state")
    return found


@pytest.fixture(scope="module")
def values(served: Database) -> Mapping[tuple[str, str], set[str]]:
    """By sample and label, the values there are, where they form a closed set."""
    described = create_app(get_settings(), served).openapi()["paths"]
    return {
        ("tongquan_check_ok", "check"): set(health.readiness(served).checks),
        ("tongquan_outbox_commands", "status"): {OutboxStatus.PENDING, OutboxStatus.DEAD},
        ("tongquan_webhook_deliveries", "status"): {DeliveryStatus.PENDING, DeliveryStatus.DEAD},
        ("tongquan_http_requests_total", "route"): set(described),
    }


def expressions() -> list[str]:
    panels = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    variables = [variable["query"]["query"] for variable in DASHBOARD["templating"]["list"][1:]]
    return [*(rule["expr"] for rule in RULES), *panels, *variables]


@pytest.mark.parametrize(
    ("file", "schema"), [(RULES_FILE, RULES_SCHEMA), (DASHBOARD_FILE, DASHBOARD_SCHEMA)], ids=["rules", "dashboard"]
)
def test_a_file_has_the_form_its_reader_asks_for(file: Path, schema: dict[str, Any]) -> None:
    validator = importlib.import_module("jsonschema").Draft202012Validator
    validator.check_schema(schema)
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert [error.message for error in validator(schema).iter_errors(document)] == []


@pytest.mark.parametrize("expression", sorted(set(expressions())))
def test_every_figure_and_label_asked_for_is_told(
    labels: Mapping[str, set[str]], values: Mapping[tuple[str, str], set[str]], expression: str
) -> None:
    asked = SELECTOR.findall(expression)
    assert asked
    for name, matchers in asked:
        known = PROMETHEUS_OWN.get(name) or labels.get(name, set()) | PROMETHEUS_OWN["up"]
        assert name in PROMETHEUS_OWN or name in labels, f"{name} is not among the application's figures"
        for label, operator, value in MATCHER.findall(matchers):
            assert label in known
            told = values.get((name, label))
            if told is None:
                continue
            pattern = value if operator in ("=~", "!~") else re.escape(value)
            assert [one for one in told if re.fullmatch(pattern, one)], f'no {label} of {name} matches "{value}"'


@pytest.mark.parametrize("expression", sorted(set(expressions())))
def test_an_expression_groups_by_labels_that_are_told_and_closes_what_it_opens(
    labels: Mapping[str, set[str]], expression: str
) -> None:
    bare = re.sub(r'"[^"]*"', "", expression)
    for opening, closing in ("()", "[]", "{}"):
        assert bare.count(opening) == bare.count(closing)
    told = set().union(*(labels[name] for name, _ in SELECTOR.findall(expression) if name in labels))
    for grouped in re.findall(r"\bby \(([^)]*)\)", expression):
        assert {label.strip() for label in grouped.split(",")} <= told


def test_every_gauge_that_calls_for_action_is_alarmed_by() -> None:
    alarmed = {name for rule in RULES for name, _ in SELECTOR.findall(rule["expr"])}
    assert alarmed >= {
        "tongquan_check_ok",
        "tongquan_feed_waiting_seconds",
        "tongquan_incidents_open",
        "tongquan_oldest_job_seconds",
        "tongquan_outbox_commands",
        "tongquan_outbox_oldest_seconds",
        "tongquan_set_aside_records",
        "tongquan_state_disk_free_bytes",
        "tongquan_tampered_documents",
        "tongquan_webhook_deliveries",
    }


def test_every_check_of_readyz_that_can_fail_is_alarmed_by(values: Mapping[tuple[str, str], set[str]]) -> None:
    patterns = [
        value
        for rule in RULES
        for name, matchers in SELECTOR.findall(rule["expr"])
        if name == "tongquan_check_ok"
        for _, _, value in MATCHER.findall(matchers)
    ]
    always_ok = {"mode", "set_aside"}
    checks = values["tongquan_check_ok", "check"] - always_ok
    assert [check for check in checks if not any(re.fullmatch(pattern, check) for pattern in patterns)] == []


def test_alerts_are_named_once_and_a_template_names_labels_its_expression_keeps() -> None:
    names = [rule["alert"] for rule in RULES]
    assert len(names) == len(set(names))
    for rule in RULES:
        for label in re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]):
            assert label in rule["expr"]


def test_panels_have_a_number_of_their_own_and_do_not_overlap() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= WIDTH
        assert not cells & taken
        taken |= cells


def test_every_variable_a_panel_uses_is_defined() -> None:
    built_in = {"__rate_interval"}
    defined = {variable["name"] for variable in DASHBOARD["templating"]["list"]} | built_in
    used = set(re.findall(r"\$\{?(\w+)", DASHBOARD_FILE.read_text(encoding="utf-8")))
    assert used <= defined
