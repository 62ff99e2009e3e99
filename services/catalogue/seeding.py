"""Write the reviewed catalogue files into the database: only what changed, as new versions.

A row remembers the digest of the file content it came from. Seeding compares with the latest row that came
from a file, so a version made in the running system stays until the files themselves change.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, TypeVar

from sqlmodel import Session, SQLModel, select

from catalog_data.guide import Guide
from catalog_data.schema import Catalogue, CountyUnitRow, Item, Source
from models.catalogue import Area, CountyUnit, GuideVersion, ItemVersion, Responsibility, Unit
from models.group import Group, Role

Versioned = TypeVar("Versioned", ItemVersion, GuideVersion, Responsibility)


@dataclass
class SeedReport:
    """What a seeding did; ``unlisted`` names items the files no longer list (left as they are)."""

    added: dict[str, int] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)
    unchanged: dict[str, int] = field(default_factory=dict)
    unlisted: tuple[str, ...] = ()

    @property
    def written(self) -> int:
        """Return the number of rows written."""
        return sum(self.added.values()) + sum(self.changed.values())

    def count(self, outcome: dict[str, int], table: str) -> None:
        """Count one row of ``table`` under ``outcome``."""
        outcome[table] = outcome.get(table, 0) + 1


def seed_catalogue(session: Session, catalogue: Catalogue) -> SeedReport:
    """Bring the database up to date with the files; seeding the same files again writes nothing. Never commits."""
    report = SeedReport()
    _seed_organisation(session, catalogue, report)
    _seed_versions(session, ItemVersion, _item_contents(catalogue), report)
    guides = {code: _guide_content(guide) for code, guide in catalogue.guides.items()}
    _seed_versions(session, GuideVersion, guides, report)
    duties = {
        row.item: {
            "level": row.level,
            "supervisor_unit": row.unit,
            "assumed": row.assumed,
            "basis": row.basis,
        }
        for row in catalogue.responsibilities
    }
    _seed_versions(session, Responsibility, duties, report)
    known = set(session.exec(select(ItemVersion.code).distinct()).all())
    report.unlisted = tuple(sorted(known - {item.code for item in catalogue.items}))
    session.flush()
    return report


def _seed_organisation(session: Session, catalogue: Catalogue, report: SeedReport) -> None:
    for position, area in enumerate(catalogue.areas):
        content = area.model_dump() | {"position": position}
        _put(session, Area, session.get(Area, area.code), content, report)
    for position, unit in enumerate(catalogue.units):
        content = unit.model_dump() | {"aliases": list(unit.aliases), "position": position}
        _put(session, Unit, session.get(Unit, unit.code), content, report)
    present = {(unit.area, unit.code): unit for unit in session.exec(select(CountyUnit)).all()}
    for position, county_unit in enumerate(catalogue.county_units):
        content = _county_unit_content(catalogue, county_unit) | {"position": position}
        _put(session, CountyUnit, present.get((county_unit.area, county_unit.code)), content, report)


def _county_unit_content(catalogue: Catalogue, unit: CountyUnitRow) -> dict[str, Any]:
    handles = [
        review.city_unit
        for review in catalogue.county_review
        if (review.area, review.county_unit) == (unit.area, unit.code)
    ]
    assumed = unit.printed_in == "assumed"
    return {
        "area": unit.area,
        "code": unit.code,
        "name": unit.name,
        "paper_name": unit.paper_name,
        "belongs_to": unit.belongs_to,
        "reviewer_group": Group.of_area(unit.area, Role.REVIEWER, unit.code if unit.own_accounts else None).name,
        "handles": handles,
        "assumed": assumed,
        "printed_in": "" if assumed else unit.printed_in,
    }


def _item_contents(catalogue: Catalogue) -> dict[str, dict[str, Any]]:
    sources = {source.code: source for source in catalogue.sources}
    return {
        item.code: {
            "mode": item.mode,
            "row": item.row,
            "unit": item.unit,
            "main_name": item.main_name,
            "sub_name": item.sub_name,
            "power_type": item.power_type,
            "power_kind": item.power_kind,
            "remark": item.remark,
            "areas": list(catalogue.areas_of(item)),
            "in_force_from": item.in_force_from,
            "approval_filing": item.approval_filing,
            # Left out where empty: files without it have the same content as before, and make no new version.
            **({"seal": item.seal} if item.seal else {}),
            "provenance": _provenance(catalogue, item, sources),
        }
        for item in catalogue.items
    }


def _provenance(catalogue: Catalogue, item: Item, sources: dict[str, Source]) -> dict[str, Any]:
    plan = sources[item.plan]
    return {
        "plan": plan.number,
        "title": plan.title,
        "issued_on": plan.issued_on.isoformat(),
        "annex": item.annex,
        "row": item.row,
        "in_force_source": item.in_force_source,
        "note": item.note,
        "variants": [
            {
                "plan": sources[variant.plan].number,
                "annex": variant.annex,
                "row": item.row,
                "field": variant.field,
                "value": variant.value,
                "note": variant.note,
            }
            for variant in catalogue.variants_of(item.code)
        ],
    }


def _guide_content(guide: Guide) -> dict[str, Any]:
    return {"body": guide.model_dump(mode="json"), "published_on": guide.published_on}


def _put(
    session: Session,
    table: type[Area] | type[Unit] | type[CountyUnit],
    present: Area | Unit | CountyUnit | None,
    content: dict[str, Any],
    report: SeedReport,
) -> None:
    """Add a row, or update one whose file content changed since it was written."""
    digest = _digest(content)
    name = str(table.__tablename__)
    if present is None:
        session.add(table(**content, source_digest=digest))
        report.count(report.added, name)
    elif present.source_digest == digest:
        report.count(report.unchanged, name)
    else:
        for key, value in content.items():
            setattr(present, key, value)
        present.source_digest = digest
        session.add(present)
        report.count(report.changed, name)


def _seed_versions(
    session: Session, table: type[Versioned], contents: dict[str, dict[str, Any]], report: SeedReport
) -> None:
    """Add a version of each code whose file content differs from the latest version that came from a file."""
    name = str(table.__tablename__)
    code_column = "item" if table is Responsibility else "code"
    history: dict[str, list[Any]] = {}
    for row in session.exec(select(table)).all():
        history.setdefault(getattr(row, code_column), []).append(row)
    for code, content in contents.items():
        versions = sorted(history.get(code, []), key=lambda row: row.version)
        seeded = [row for row in versions if row.source_digest is not None]
        digest = _digest(_without_version(content))
        if seeded and seeded[-1].source_digest == digest:
            report.count(report.unchanged, name)
            continue
        version = versions[-1].version + 1 if versions else 1
        if table is GuideVersion:
            version = max(version, content["body"]["version"])
            content = content | {"body": content["body"] | {"version": version}}
        fields: dict[str, Any] = {code_column: code, "version": version, "source_digest": digest}
        new = table(**fields, **content)
        _end_predecessors(versions, new)
        session.add(new)
        report.count(report.changed if versions else report.added, name)


def _end_predecessors(versions: Iterable[SQLModel], new: SQLModel) -> None:
    """End open versions the day before the new begins; with the same beginning the higher version prevails."""
    begins: date | None = getattr(new, "in_force_from", None)
    if begins is None:
        return
    for old in versions:
        old_begins: date | None = getattr(old, "in_force_from", None)
        if getattr(old, "in_force_to", None) is None and (old_begins is None or old_begins < begins):
            setattr(old, "in_force_to", begins - timedelta(days=1))  # noqa: B010


def _without_version(content: dict[str, Any]) -> dict[str, Any]:
    if "body" not in content:
        return content
    return content | {"body": {key: value for key, value in content["body"].items() if key != "version"}}


def _digest(content: dict[str, Any]) -> str:
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
