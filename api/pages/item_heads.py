"""An item and its guide as pages show them, free of the database session they were read in."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlmodel import Session

from catalog_data.guide import Guide
from models.catalogue import Mode
from services.catalogue import in_force
from services.errors import NotFound


@dataclass(frozen=True)
class ItemHead:
    """What a page's head and margins say of an item."""

    code: str
    full_name: str
    mode: Mode
    unit: str
    power_type: str
    remark: str
    areas: tuple[str, ...]
    in_force_from: date | None
    seal: str
    version: int
    provenance: dict[str, Any]


def read_head(session: Session, code: str, on: date) -> ItemHead:
    """Return the item in force on ``on``, else its latest version; raise ``NotFound``."""
    item = in_force.find_item_or_latest(session, code, on)
    if item is None:
        raise NotFound("没有这个事项")
    return ItemHead(
        code=item.code,
        full_name=item.full_name,
        mode=item.mode,
        unit=item.unit,
        power_type=item.power_type,
        remark=item.remark,
        areas=tuple(item.areas),
        in_force_from=item.in_force_from,
        seal=item.seal,
        version=item.version,
        provenance=dict(item.provenance),
    )


def read_item(session: Session, code: str, on: date) -> tuple[ItemHead, Guide]:
    """Return the item as ``read_head`` does, with its newest guide; raise ``NotFound`` where it has none yet."""
    head, guide = read_head(session, code, on), in_force.latest_guide(session, code)
    if guide is None:
        raise NotFound("该事项的办事指南尚未发布，暂不能接件")
    return head, guide
