"""Load a catalogue folder into one immutable, checked object."""

from collections.abc import Iterable
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from catalog_data.problems import CatalogueError
from catalog_data.schema import Catalogue
from catalog_data.tables import Located
from catalog_data.validate import DEFAULT_ROOT, read_draft

T = TypeVar("T")


def load_catalogue(root: Path | None = None) -> Catalogue:
    """Load the catalogue in ``root`` (our own by default).

    Raises ``CatalogueError`` with every fault of the files; of a missing folder every file is missing.
    """
    draft, problems = read_draft(root or DEFAULT_ROOT)
    if problems:
        raise CatalogueError(problems)
    return Catalogue(
        sources=_values(draft.sources),
        areas=_values(draft.areas),
        territories=_values(draft.territories),
        units=_values(draft.units),
        county_units=_values(draft.county_units),
        county_review=_values(draft.county_review),
        items=_values(draft.items),
        variants=_values(draft.variants),
        responsibilities=_values(draft.responsibilities),
        guides=MappingProxyType({guide.value.code: guide.value for guide in draft.guides.values()}),
    )


def _values(rows: Iterable[Located[T]]) -> tuple[T, ...]:
    return tuple(row.value for row in rows)
