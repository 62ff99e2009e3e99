"""Limits on how often something may be tried: the moving windows of ``limits``, kept in the product's database.

The library decides; the database remembers, so that all processes count together and a restart forgets nothing (ADR
18). A rule is written as the library writes it, ``"10/minute;60/hour"``: each of its windows must have room. All times
are machine time.
"""

import math
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from limits import RateLimitItem, parse_many
from limits.storage import MovingWindowSupport, Storage
from limits.strategies import MovingWindowRateLimiter
from sqlalchemy import delete, func
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, select

from models.rate_limit import RateHit
from services import locks
from services.clock import machine_now

_EXPIRED_AT_ONCE: Final = 1000


class RateLimits:
    """The limits as one session sees them; ``note`` and ``clear`` need a writing one."""

    def __init__(self, session: Session) -> None:
        self._storage = _DatabaseWindows(session)
        self._windows = MovingWindowRateLimiter(self._storage)

    def wait(self, rules: str, *who: str) -> int:
        """Return for how many seconds ``who`` must wait, 0 when it may try at once."""
        now = machine_now().timestamp()
        full = [rule for rule in _parsed(rules) if not self._windows.test(rule, *who)]
        resets = [self._windows.get_window_stats(rule, *who).reset_time for rule in full]
        return max((max(1, math.ceil(reset - now)) for reset in resets), default=0)

    def note(self, rules: str, *who: str) -> bool:
        """Count one try of ``who`` in every window; tell whether each had room for it."""
        room = [self._windows.hit(rule, *who) for rule in _parsed(rules)]
        return all(room)

    def tried(self, rules: str, name: str) -> dict[str, datetime]:
        """Return everybody with an entry in the windows ``name``, and when the oldest of them was made.

        Each is called by the identifiers after ``name``, joined by ``/`` as the library does.
        """
        oldest: dict[str, datetime] = {}
        for rule in _parsed(rules):
            beginning = f"{rule.namespace}/{name}/"
            end = rule.key_for(name).removeprefix(beginning.removesuffix("/"))
            for key, since in self._storage.oldest_entries(beginning, end):
                who = key[len(beginning) : -len(end)]
                oldest[who] = min(since, oldest.get(who, since))
        return oldest

    def clear(self, rules: str, *who: str) -> None:
        """Forget what ``who`` has tried."""
        for rule in _parsed(rules):
            self._windows.clear(rule, *who)


class _DatabaseWindows(Storage, MovingWindowSupport):
    """The storage of ``limits`` over the table ``rate_hit``, within the transaction of a session."""

    STORAGE_SCHEME = None

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session

    @property
    def base_exceptions(self) -> type[Exception]:
        """Return what the database raises."""
        return SQLAlchemyError

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Add entries to a window unless it is full; tell whether they were added."""
        locks.acquire(self._session, f"rate:{key}")
        if self.get_moving_window(key, limit, expiry)[1] + amount > limit:
            return False
        self._add(key, expiry, amount)
        return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """Return when the oldest of the newest ``limit`` entries of a window was made, and how many they are."""
        now = machine_now()
        newest = (
            select(RateHit.at)
            .where(RateHit.key == key, col(RateHit.at) > now - timedelta(seconds=expiry))
            .order_by(col(RateHit.at).desc())
            .limit(limit)
        )
        entries = self._session.exec(newest).all()
        return (entries[-1] if entries else now).timestamp(), len(entries)

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Add entries to a window and return how many it has."""
        self._add(key, expiry, amount)
        return self.get(key)

    def get(self, key: str) -> int:
        """Return how many entries a window has."""
        entries = select(func.count()).where(RateHit.key == key, col(RateHit.expires_at) > machine_now())
        return self._session.exec(entries).one()

    def oldest_entries(self, beginning: str, end: str) -> list[tuple[str, datetime]]:
        """Return the windows whose keys begin and end as given, each with its oldest entry's instant."""
        named = (col(RateHit.key).startswith(beginning, autoescape=True), col(RateHit.key).endswith(end))
        query = select(RateHit.key, func.min(RateHit.at)).where(*named, col(RateHit.expires_at) > machine_now())
        return [(key, since) for key, since in self._session.exec(query.group_by(col(RateHit.key))).all()]

    def get_expiry(self, key: str) -> float:
        """Return when the newest entry of a window leaves it."""
        newest = self._session.exec(select(func.max(RateHit.expires_at)).where(RateHit.key == key)).one()
        return float((newest or machine_now()).timestamp())

    def check(self) -> bool:
        """Tell whether the database answers."""
        return self._session.exec(select(1)).one() == 1

    def reset(self) -> int | None:
        """Forget every entry; return how many there were."""
        return int(self._session.exec(delete(RateHit)).rowcount)

    def clear(self, key: str) -> None:
        """Forget the entries of a window."""
        self._session.exec(delete(RateHit).where(col(RateHit.key) == key))

    def _add(self, key: str, expiry: int, amount: int) -> None:
        now = machine_now()
        ends = now + timedelta(seconds=expiry)
        expired = (
            select(RateHit.id)
            .where(col(RateHit.expires_at) <= now)
            .limit(_EXPIRED_AT_ONCE)
            .with_for_update(skip_locked=True)
        )
        self._session.exec(delete(RateHit).where(col(RateHit.id).in_(expired)))
        self._session.add_all(RateHit(key=key, at=now, expires_at=ends) for _ in range(amount))
        self._session.flush()


@lru_cache(maxsize=64)
def _parsed(rules: str) -> tuple[RateLimitItem, ...]:
    return tuple(parse_many(rules))
