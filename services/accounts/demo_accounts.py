"""The demonstration accounts (API.md): seeded in development, found and refused in production."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from sqlmodel import Session, col, select

from models.account import Account
from models.catalogue import Area, CountyUnit, Unit
from models.group import Group
from services.accounts.passwords import hash_password, verify
from services.accounts.posts import posts_of
from services.accounts.registration import add
from services.errors import SetupError
from services.journal import audit
from settings import get_settings

DEMO_PASSWORD: Final = "tongquan-demo"  # noqa: S105  # Published; `seed_demo_accounts` refuses production.


def seed_demo_accounts(
    session: Session, areas: Iterable[Area], county_units: Iterable[CountyUnit], city_units: Iterable[Unit]
) -> int:
    """Create the demonstration accounts that are missing and return how many were created; development only.

    Each is named like the one candidate group it belongs to. All share one hash of the published password, for two
    hundred Argon2 runs would hold up every first start by half a minute and protect nothing.
    """
    if not get_settings().development:
        raise SetupError("演示账号只能在开发环境中创建", "Demonstration accounts exist in development only")
    present = set(session.exec(select(Account.username)).all())
    missing = {name: label for name, label in posts_of(areas, county_units, city_units).items() if name not in present}
    if missing:
        shared_hash = hash_password(DEMO_PASSWORD)
        for name, label in missing.items():
            add(session, name, label, shared_hash, frozenset({name}))
    return len(missing)


def active_demo_accounts(session: Session) -> list[str]:
    """Return the active accounts that came from a development instance, by name.

    The published password is tried on the hashes that may be a seeded account's: those that several accounts share, for
    salts are random, and those of accounts named like a group. An Argon2 run for every person of the city would hold
    up each start for minutes; a person who chose the published password is refused by :func:`is_published` instead.
    """
    owners: defaultdict[str, list[str]] = defaultdict(list)
    for name, stored in session.exec(select(Account.username, Account.password_hash).where(col(Account.active))):
        owners[stored].append(name)
    suspected = {stored: names for stored, names in owners.items() if len(names) > 1 or Group.is_name(names[0])}
    return sorted(name for stored, names in suspected.items() if verify(stored, DEMO_PASSWORD) for name in names)


def is_published(password: str) -> bool:
    """Tell whether a password is that of the demonstration accounts, which is refused in production."""
    return password == DEMO_PASSWORD


def retire_demo_accounts(session: Session, actor: str, now: datetime) -> list[str]:
    """Close every account :func:`active_demo_accounts` finds, each with an audit entry, and return their names."""
    found = active_demo_accounts(session)
    for name in found:
        account = session.get_one(Account, name)
        account.active = False
        session.add(account)
        audit.append(session, actor, "account.retire_demo", name, {}, now)
    return found
