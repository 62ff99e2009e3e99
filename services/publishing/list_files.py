"""The list of items (事项清单) as a CSV file: what is in force on a day, in the form an import takes.

Excel opens it as UTF-8 (it begins with a BOM), and no cell of it is ever a formula: one that begins like a formula gets
an apostrophe before it, which an import takes off again.
"""

import csv
import io
from datetime import date
from typing import Final

from sqlmodel import Session

from catalog_data.schema import CatalogueTable, Item, Source
from catalog_data.tables import read_table
from catalog_data.validate import DEFAULT_ROOT
from models.catalogue import AreaKind, ItemVersion
from services.catalogue import in_force

BOM: Final = "\ufeff"
FORMULA_SIGNS: Final = ("=", "+", "-", "@", "\t", "\r")
LIST_SOURCE: Final = "list"
"""The plan recorded for an item that came from an imported list."""


def export(session: Session, on: date) -> str:
    """Return the list in force on a day."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(Item.model_fields), lineterminator="\n")
    writer.writeheader()
    areas = in_force.areas(session)
    every = [area.code for area in areas]
    territories = {
        frozenset(every): "all",
        frozenset(area.code for area in areas if area.kind is not AreaKind.ZONE): "not_zones",
    }
    plans = {located.value.number: located.value.code for located in read_table(*_SOURCES)[0]}
    for item in in_force.items_in_force(session, on):
        named = territories.get(frozenset(item.areas), " ".join(code for code in every if code in item.areas))
        row = _row(item, named, plans)
        writer.writerow({name: safe(value) for name, value in row.items()})
    return f"{BOM}{text.getvalue()}"


def safe(cell: str) -> str:
    """Return a cell no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(FORMULA_SIGNS) else cell


def plain(cell: str) -> str:
    """Return what ``safe`` was given."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA_SIGNS) else cell


def _row(item: ItemVersion, territory: str, plans: dict[str, str]) -> dict[str, str]:
    begins = item.in_force_from
    provenance = item.provenance
    return {
        "code": item.code,
        "mode": item.mode.value,
        "row": str(item.row),
        "unit": item.unit,
        "main_name": item.main_name,
        "sub_name": item.sub_name,
        "power_type": item.power_type,
        "remark": item.remark,
        "territory": territory,
        "in_force_from": begins.isoformat() if begins is not None else "",
        "in_force_source": provenance.get("in_force_source") or ("agreement" if begins is None else "decision"),
        "approval_filing": "yes" if item.approval_filing else "no",
        "plan": plans.get(provenance.get("plan", ""), LIST_SOURCE),
        "annex": str(provenance.get("annex", 1)),
        "note": provenance.get("note") or provenance.get("list", ""),
        "seal": item.seal,
    }


_SOURCES: Final = (DEFAULT_ROOT, CatalogueTable.SOURCES, Source)
