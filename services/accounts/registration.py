"""Create accounts, with the groups each is a member of."""

import re
from collections.abc import Iterable
from typing import Final

from sqlmodel import Session

from models.account import Account, Membership
from models.group import ADMINISTRATORS
from services.accounts.password_policy import password_problem
from services.accounts.passwords import hash_password
from services.clock import machine_now
from services.errors import Conflict, FieldProblem, InvalidInput

USERNAME_LENGTH: Final = 64
USERNAME: Final = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._@-]{{0,{USERNAME_LENGTH - 1}}}")

ADMINISTRATOR_GROUPS: Final = frozenset(group.name for group in ADMINISTRATORS)


class AdministratorsExclusive(Conflict):
    """An administrator may hold no other role (三员分立)."""

    code = "administrators_exclusive"
    title, title_en = "三员分立：管理员不得兼任其他角色", "An administrator may hold no other role"


class SeparationOfDuties(AdministratorsExclusive):
    """Nobody may hold two of the three administrators' roles, nor take over another of the three (三员分立)."""

    code = "separation_of_duties"
    title = "三员分立：系统管理员、安全保密管理员、安全审计员不得由同一人担任"
    title_en = "Nobody may hold two of the three administrators' roles"


class AccountExists(Conflict):
    """The user name is taken."""

    code = "account_exists"
    title, title_en = "用户名已存在", "The user name is taken"


def create_account(
    session: Session,
    username: str,
    display_name: str,
    password: str,
    groups: Iterable[str],
    *,
    one_time: bool = False,
) -> Account:
    """Create an account with its groups; a ``one_time`` password has to be changed at the first sign-in.

    Raises ``InvalidInput`` for a bad name or password, ``AccountExists`` for a taken name, ``SeparationOfDuties`` for
    two administrators in one and ``AdministratorsExclusive`` for an administrator with any other role.
    """
    members = frozenset(groups)
    problems = username_problems(username)
    if (wrong := password_problem(username, password)) is not None and not problems:
        problems.append(FieldProblem("password", wrong))
    if problems:
        raise InvalidInput(problems)
    require_exclusive_administrators(members)
    require_new(session, username)
    return add(session, username, display_name, hash_password(password), members, one_time=one_time)


def username_problems(username: str) -> list[FieldProblem]:
    """Return what is wrong with a user name."""
    if USERNAME.fullmatch(username):
        return []
    rule = f"应为 1 至 {USERNAME_LENGTH} 个字母、数字或 . _ @ -，以字母或数字开头"
    return [FieldProblem("username", rule)]


def require_new(session: Session, username: str) -> None:
    """Raise ``AccountExists`` where the user name is taken."""
    if session.get(Account, username) is not None:
        raise AccountExists


def require_exclusive_administrators(groups: Iterable[str]) -> None:
    """Raise unless ``groups`` hold no administrator's role, or exactly one and no other role.

    ``SeparationOfDuties`` for two of the three, ``AdministratorsExclusive`` for one beside any other role.
    """
    held = frozenset(groups)
    offices = held & ADMINISTRATOR_GROUPS
    if len(offices) > 1:
        raise SeparationOfDuties(f"三员分立：{'、'.join(sorted(offices))} 不得由同一人担任")
    if offices and len(held) > 1:
        raise AdministratorsExclusive(f"三员分立：{'、'.join(sorted(offices))} 不得与其他角色由同一账号担任")


def add(
    session: Session,
    username: str,
    display_name: str,
    password_hash: str,
    groups: frozenset[str],
    *,
    phone: str = "",
    one_time: bool = False,
) -> Account:
    """Add an account that has been checked, with its groups."""
    account = Account(
        username=username,
        display_name=display_name,
        phone=phone,
        password_hash=password_hash,
        password_one_time=one_time,
        password_changed_at=machine_now(),
    )
    session.add(account)
    session.flush()
    session.add_all(Membership(username=username, group_name=group) for group in sorted(groups))
    session.flush()
    return account
