"""The demonstration accounts (API.md), seeded in development only."""

from collections.abc import Iterable
from typing import Final

from sqlmodel import Session, select

from models.account import Account
from models.catalogue import Area, CountyUnit, Unit
from services.accounts.passwords import hash_password
from services.accounts.posts import posts_of
from services.accounts.registration import add
from services.errors import SetupError
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
