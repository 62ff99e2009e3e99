"""Advisory locks: who tries gets one that is free, and it is free again with the transaction's end."""

import pytest

from models.database import Database
from services import locks


def test_a_lock_that_nobody_has_is_had(database: Database) -> None:
    for _ in range(2):
        with database.reading() as session:
            assert locks.try_acquire(session, "look")


@pytest.mark.postgresql("SQLite has one process for what is locked so")
def test_of_two_that_try_one_gets_the_lock_until_its_transaction_ends(database: Database) -> None:
    with database.reading() as first, database.reading() as second:
        assert locks.try_acquire(first, "look")
        assert not locks.try_acquire(second, "look")
        assert locks.try_acquire(second, "another look")
        first.rollback()
        assert locks.try_acquire(second, "look")
