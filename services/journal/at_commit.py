"""What a transaction collects and writes at its very end, so that the lock it needs is held as briefly as possible.

A lock taken last can be waited for without a deadlock, whatever else the transaction holds. What a savepoint collected
passes to the enclosing transaction when it is released, and is dropped when it is rolled back.
"""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from sqlalchemy import event
from sqlalchemy.orm import Session as AnySession
from sqlalchemy.orm import SessionTransaction
from sqlmodel import Session

Item = TypeVar("Item")


class AtCommit(Generic[Item]):
    """Items of one kind, by session; ``write`` gets those of a transaction before it commits, in their order.

    The kind created last is written first, so that it may add to one created before.
    """

    def __init__(self, name: str, write: Callable[[Session, Sequence[Item]], None]) -> None:
        self._name = name
        self._write = write
        event.listen(AnySession, "before_commit", self._before_commit, insert=True)
        event.listen(AnySession, "after_soft_rollback", self._after_rollback)

    def add(self, session: Session, item: Item) -> None:
        """Collect an item in the transaction or savepoint the session is in."""
        within = session.get_nested_transaction() or session.get_transaction() or session.begin()
        session.info.setdefault(self._name, []).append((within, item))

    def write_now(self, session: Session) -> None:
        """Write what is collected without waiting for the commit."""
        collected = self._collected(session)
        session.info[self._name] = []
        if collected:
            self._write(session, [item for _, item in collected])

    def _before_commit(self, session: Any) -> None:
        ending = session.get_nested_transaction()
        if ending is None:
            self.write_now(session)
            return
        session.info[self._name] = [
            (ending.parent if within is ending else within, item) for within, item in self._collected(session)
        ]

    def _after_rollback(self, session: Any, ended: SessionTransaction) -> None:
        session.info[self._name] = [
            (within, item) for within, item in self._collected(session) if ended not in _and_enclosing(within)
        ]

    def _collected(self, session: Any) -> list[tuple[SessionTransaction, Item]]:
        found: list[tuple[SessionTransaction, Item]] = session.info.get(self._name, [])
        return found


def _and_enclosing(within: SessionTransaction) -> list[SessionTransaction]:
    """Return a savepoint and all it is in: what is rolled back with any of them is lost."""
    found = [within]
    while (parent := found[-1].parent) is not None:
        found.append(parent)
    return found
