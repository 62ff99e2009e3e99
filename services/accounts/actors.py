"""Who acts: an account with its groups, and what it supervises on the day."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, or_
from sqlmodel import Session, col, select

from models.account import Account, Membership
from models.catalogue import Responsibility, SupervisorLevel
from models.group import Role, Scope, parse_groups
from services.clock import product_now


@dataclass(frozen=True)
class Actor:
    """Who acts: an account, the groups it is a member of, and what it supervises.

    ``supervised_items`` are the items whose city supervisor, by the responsibility matrix of the day, is one of the
    account's units; it is empty for everyone but city supervisors.
    """

    username: str
    display_name: str
    groups: frozenset[str]
    supervised_items: frozenset[str] = frozenset()

    def acts_for(self, groups: Iterable[str]) -> bool:
        """Tell whether the account is a member of one of ``groups``."""
        return not self.groups.isdisjoint(groups)


def groups_of(session: Session, username: str) -> list[str]:
    """Return the groups of an active account in the order of their names; none for an unknown one."""
    return list(
        session.exec(
            select(Membership.group_name)
            .join(Account, col(Account.username) == col(Membership.username))
            .where(Membership.username == username, col(Account.active))
            .order_by(Membership.group_name)
        ).all()
    )


def actor_of(session: Session, username: str, display_name: str) -> Actor:
    """Return the account as it acts now."""
    groups = frozenset(groups_of(session, username))
    return Actor(username, display_name, groups, supervised_items(session, groups))


def supervised_items(session: Session, groups: frozenset[str]) -> frozenset[str]:
    """Return the items that city supervisors among ``groups`` supervise today, by the responsibility matrix."""
    units = [
        group.unit for group in parse_groups(groups) if group.scope is Scope.CITY and group.role is Role.SUPERVISOR
    ]
    if not units:
        return frozenset()
    today: date = product_now(session).date()
    current = (
        select(Responsibility.item, func.max(Responsibility.version).label("version"))
        .where(
            or_(col(Responsibility.in_force_from).is_(None), col(Responsibility.in_force_from) <= today),
            or_(col(Responsibility.in_force_to).is_(None), col(Responsibility.in_force_to) >= today),
        )
        .group_by(Responsibility.item)
        .subquery()
    )
    return frozenset(
        session.exec(
            select(Responsibility.item)
            .join(
                current,
                (col(Responsibility.item) == current.c.item) & (col(Responsibility.version) == current.c.version),
            )
            .where(Responsibility.level == SupervisorLevel.CITY, col(Responsibility.supervisor_unit).in_(units))
        ).all()
    )
