"""Create accounts, with the groups each is a member of."""

from collections.abc import Iterable
from typing import Final

from sqlmodel import Session

from models.account import Account, Membership
from models.group import ADMINISTRATORS
from services.accounts.passwords import PASSWORD_LENGTH, hash_password
from services.errors import Conflict, FieldProblem, InvalidInput

USERNAME_LENGTH: Final = 64
MINIMUM_PASSWORD_LENGTH: Final = 10

ADMINISTRATOR_GROUPS: Final = frozenset(group.name for group in ADMINISTRATORS)


class AdministratorsExclusive(Conflict):
    """An administrator may hold no other role (三员分立)."""

    code = "administrators_exclusive"
    title, title_en = "三员分立：管理员不得兼任其他角色", "An administrator may hold no other role"


class AccountExists(Conflict):
    """The user name is taken."""

    code = "account_exists"
    title, title_en = "用户名已存在", "The user name is taken"


def create_account(session: Session, username: str, display_name: str, password: str, groups: Iterable[str]) -> Account:
    """Create an account with its groups.

    Raises ``InvalidInput`` for a bad name or a short password, ``AccountExists`` for a taken name and
    ``AdministratorsExclusive`` for an administrator with any other role.
    """
    members = frozenset(groups)
    problems = []
    if not 0 < len(username) <= USERNAME_LENGTH:
        problems.append(FieldProblem("username", f"长度应为 1 至 {USERNAME_LENGTH} 个字符"))
    if not MINIMUM_PASSWORD_LENGTH <= len(password) <= PASSWORD_LENGTH:
        problems.append(FieldProblem("password", f"长度应为 {MINIMUM_PASSWORD_LENGTH} 至 {PASSWORD_LENGTH} 个字符"))
    if problems:
        raise InvalidInput(problems)
    require_exclusive_administrators(members)
    if session.get(Account, username) is not None:
        raise AccountExists
    return add(session, username, display_name, hash_password(password), members)


def require_exclusive_administrators(groups: Iterable[str]) -> None:
    """Raise ``AdministratorsExclusive`` when ``groups`` pair an administrator's role with any other role."""
    held = frozenset(groups)
    if held & ADMINISTRATOR_GROUPS and len(held) > 1:
        raise AdministratorsExclusive(
            f"三员分立：{'、'.join(sorted(held & ADMINISTRATOR_GROUPS))} 不得与其他角色由同一账号担任"
        )


def add(session: Session, username: str, display_name: str, password_hash: str, groups: frozenset[str]) -> Account:
    """Add an account that has been checked, with its groups."""
    account = Account(username=username, display_name=display_name, password_hash=password_hash)
    session.add(account)
    session.flush()
    session.add_all(Membership(username=username, group_name=group) for group in sorted(groups))
    session.flush()
    return account
