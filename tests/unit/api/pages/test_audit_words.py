"""Every action the product writes to the audit trail by name is called something on the auditor's page."""

import ast
import re
from collections.abc import Iterator

from api.pages.audit_words import ACTIONS
from services.cases import dossier_receipt
from services.journal import seals
from services.witness import alarm
from settings import PROJECT_ROOT

PACKAGES = ("api", "bridge", "deploy", "models", "ops", "services", "workers")
ACTION_ARGUMENT = 2
POWERS = ("powers", "takeovers", "guidance", "publishing")
EVENT = re.compile(r"(agreement|filing|guide|list|question|recall|unit_transfer)\.[a-z_]+")
BY_CONSTANT = {seals.ACTION, seals.ANCHOR, alarm.DOCUMENT_TAMPERED, alarm.FILE_TAMPERED, dossier_receipt.SIGNAL}


def written() -> Iterator[str]:
    """Yield the actions that ``audit.append`` and ``audit_reading.note_reading`` are called with."""
    for package in PACKAGES:
        for path in (PROJECT_ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                    "audit.append",
                    "audit_reading.note_reading",
                ):
                    action = node.args[ACTION_ARGUMENT]
                    if isinstance(action, ast.Constant):
                        yield str(action.value)


def steps_of_powers() -> Iterator[str]:
    """Yield the events of delegated powers; the ledger writes each to the audit trail under its name."""
    for capability in POWERS:
        for path in (PROJECT_ROOT / "services" / capability).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and EVENT.fullmatch(node.value):
                    yield node.value


def test_every_action_has_a_name_and_no_name_is_left_over() -> None:
    assert set(ACTIONS) == set(written()) | set(steps_of_powers()) | BY_CONSTANT
