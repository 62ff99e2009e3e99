"""What a list of items would change on a day, item by item and field by field.

A row that lacks a field (an optional column the file did not have) leaves it unchanged: the item keeps its own.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final, Literal

from pydantic import BaseModel
from sqlmodel import Session, select

from models.catalogue import GuideVersion, ItemVersion, Mode, SupervisorLevel
from services.catalogue import in_force

FIELDS: Final = (
    "mode",
    "row",
    "unit",
    "main_name",
    "sub_name",
    "power_type",
    "remark",
    "areas",
    "approval_filing",
    "seal",
)
FIELD_NAMES: Final = {
    "mode": "放权方式",
    "row": "序号",
    "unit": "市级单位",
    "main_name": "主项",
    "sub_name": "子项",
    "power_type": "权力类型",
    "remark": "备注",
    "areas": "承接地域",
    "approval_filing": "报批",
    "seal": "用章",
}


class FieldChange(BaseModel):
    """One field before and after."""

    field: str
    name: str
    before: Any
    after: Any


class Difference(BaseModel):
    """One item the list adds, changes or ends; ``warnings`` say what is still to be done for it."""

    kind: Literal["added", "changed", "ended"]
    code: str
    name: str
    changes: list[FieldChange]
    warnings: list[str]


def differences(session: Session, rows: Sequence[dict[str, Any]], on: date, complete: bool) -> list[Difference]:
    """Return what the list changes against what is in force on its day; ``complete`` ends what it does not name."""
    guided = _guided(session)
    found = []
    for row in rows:
        current = in_force.find_item(session, row["code"], on)
        warnings = [] if row["code"] in guided else ["没有办事指南，编制发布后方可接件"]
        changes = _changes(current, row)
        if current is None:
            found.append(_difference("added", row["code"], _name(row), changes, warnings))
        elif changes:
            if supervisor_level(current.mode) is not supervisor_level(Mode(row["mode"])):
                warnings.append("监管单位随放权方式改变，暂定，请在责任矩阵中核定")
            found.append(_difference("changed", row["code"], _name(row), changes, warnings))
    if complete:
        named = {row["code"] for row in rows}
        for item in in_force.list_items(session, on=on):
            if item.code not in named:
                name = item.sub_name or item.main_name
                found.append(_difference("ended", item.code, name, [], ["在办件按原版本办结"]))
    return found


def supervisor_level(mode: Mode) -> SupervisorLevel:
    """Return whose industry department supervises a mode (plan, section 四.五): that of the level which decides."""
    return SupervisorLevel.CITY if mode in Mode.decided_by_city() else SupervisorLevel.COUNTY


def _changes(current: ItemVersion | None, row: dict[str, Any]) -> list[FieldChange]:
    changes = []
    for field in FIELDS:
        if field not in row:
            continue
        before = None if current is None else _plain(getattr(current, field))
        if (before or None) != (row[field] or None):
            changes.append(FieldChange(field=field, name=FIELD_NAMES[field], before=before, after=row[field]))
    return changes


def _plain(value: Any) -> Any:
    return value.value if hasattr(value, "value") else list(value) if isinstance(value, list) else value


def _difference(
    kind: Literal["added", "changed", "ended"], code: str, name: str, changes: list[FieldChange], warnings: list[str]
) -> Difference:
    return Difference(kind=kind, code=code, name=name, changes=changes, warnings=warnings)


def _name(row: dict[str, Any]) -> str:
    return f"{row['main_name']}（{row['sub_name']}）" if row["sub_name"] else row["main_name"]


def _guided(session: Session) -> set[str]:
    return set(session.exec(select(GuideVersion.code).distinct()).all())
