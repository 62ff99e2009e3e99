"""A cache for the life of a process, of rows that never change while it runs (ADR 7).

Versions (a guide's, a form's) are never changed once written; the areas and units of the catalogue are written when
an instance is prepared, before its processes start. Every job and every page asks for them, so each process reads
them once for each open database. Anything that can change in between is read where it is needed.
"""

from collections.abc import Callable, Collection, Hashable, Mapping
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from sqlmodel import Session

Key = TypeVar("Key", bound=Hashable)
Row = TypeVar("Row")


class ProcessCache(Generic[Key, Row]):
    """Values by key; ``read`` loads those of some keys, detached from its session. A miss is not cached."""

    def __init__(self, read: Callable[[Session, Collection[Key]], Mapping[Key, Row]]) -> None:
        self._read = read
        self._of: WeakKeyDictionary[Any, dict[Key, Row]] = WeakKeyDictionary()

    def find(self, session: Session, key: Key) -> Row | None:
        """Return the value of one key, or None."""
        return self.get_many(session, (key,)).get(key)

    def get_many(self, session: Session, keys: Collection[Key]) -> dict[Key, Row]:
        """Return the values of those keys that have one."""
        # All engines made from one by execution options share its pool.
        kept = self._of.setdefault(session.get_bind().engine.pool, {})
        missing = [key for key in keys if key not in kept]
        if missing:
            kept.update(self._read(session, missing))
        return {key: kept[key] for key in keys if key in kept}
