"""Who may run the system itself: the three administrators (三员), and who keeps the working calendar."""

from models.calendar import CITY_WIDE
from models.case import Case
from models.group import (
    AUDIT_ADMINISTRATOR,
    SECURITY_ADMINISTRATOR,
    SYSTEM_ADMINISTRATOR,
    Group,
    Role,
    parse_groups,
)
from services.accounts.actors import Actor
from services.accounts.membership import is_coordinator
from services.accounts.rights import may_read_case, works_on_cases
from services.errors import Forbidden
from settings import PasswordSignIn, get_settings


def may_administer(actor: Actor) -> bool:
    """Tell whether the account is the system administrator (系统管理员)."""
    return SYSTEM_ADMINISTRATOR in parse_groups(actor.groups)


def may_secure(actor: Actor) -> bool:
    """Tell whether the account is the security administrator (安全保密管理员)."""
    return SECURITY_ADMINISTRATOR in parse_groups(actor.groups)


def is_auditor(actor: Actor) -> bool:
    """Tell whether the account is the audit administrator (安全审计员)."""
    return AUDIT_ADMINISTRATOR in parse_groups(actor.groups)


def may_use_password(actor: Actor) -> bool:
    """Tell whether the account may sign in with a password: everybody, or by the settings the three administrators.

    They keep theirs whatever happens to the unified sign-in, or nobody could repair it (ADR 21).
    """
    if get_settings().password_sign_in is PasswordSignIn.EVERYBODY:
        return True
    return may_administer(actor) or may_secure(actor) or is_auditor(actor)


def may_list_accounts(actor: Actor) -> bool:
    """Tell whether the account may see who has an account: who makes them, and who gives them their posts."""
    return may_administer(actor) or may_secure(actor)


def may_read_setup(actor: Actor) -> bool:
    """Tell whether the account may read the site's set-up: catalogue, calendar, deployed processes."""
    return works_on_cases(actor) or may_administer(actor)


def may_change_calendar(actor: Actor, area: str) -> bool:
    """Tell whether the account may change the calendar: the city's, or one area's window days.

    The coordinator and the system administrator change every calendar, an area's approver its own.
    """
    if is_coordinator(actor) or may_administer(actor):
        return True
    return area != CITY_WIDE and Group.of_area(area, Role.APPROVER) in parse_groups(actor.groups)


def require_read_setup(actor: Actor) -> None:
    """Raise ``Forbidden`` unless the account may read catalogue, calendar and deployed processes."""
    if not may_read_setup(actor):
        raise Forbidden("只有市、县工作人员和系统管理员可以查看", "Only staff and the system administrator may look")


def require_administrator(actor: Actor) -> None:
    """Raise ``Forbidden`` for everyone but the system administrator."""
    if not may_administer(actor):
        raise Forbidden("只有系统管理员可以操作", "Only the system administrator may do this")


def require_manage_accounts(actor: Actor) -> None:
    """Raise ``Forbidden`` unless the account makes, disables and enables accounts and resets their passwords."""
    if not may_administer(actor):
        raise Forbidden("只有系统管理员可以管理账号", "Only the system administrator manages accounts")


def require_list_accounts(actor: Actor) -> None:
    """Raise ``Forbidden`` unless the account may see who has an account."""
    if not may_list_accounts(actor):
        raise Forbidden(
            "只有系统管理员和安全保密管理员可以查看账号",
            "Only the system and the security administrator may see the accounts",
        )


def require_manage_memberships(actor: Actor) -> None:
    """Raise ``Forbidden`` unless the account gives posts (岗位授权) and ends other people's sessions."""
    if not may_secure(actor):
        raise Forbidden("只有安全保密管理员可以授予岗位", "Only the security administrator changes memberships")


def require_guard_sign_ins(actor: Actor) -> None:
    """Raise ``Forbidden`` unless the account oversees sign-ins: who is slowed down, password spraying (登录安全)."""
    if not may_secure(actor):
        raise Forbidden("只有安全保密管理员可以查看登录安全", "Only the security administrator sees to sign-ins")


def require_read_audit(actor: Actor) -> None:
    """Raise ``Forbidden`` unless the account reads the audit trail."""
    if not is_auditor(actor):
        raise Forbidden("只有安全审计员可以查阅审计记录", "Only the audit administrator may read the audit trail")


def require_retry_incidents(actor: Actor) -> None:
    """Raise ``Forbidden`` unless the account may have the engine retry incidents."""
    if not may_administer(actor):
        raise Forbidden("只有系统管理员可以重试故障", "Only the system administrator may retry an incident")


def require_mend_feed(actor: Actor) -> None:
    """Raise ``Forbidden`` unless the account may see and retry what the feed set aside."""
    if not may_administer(actor):
        raise Forbidden("只有系统管理员可以查看和重试搁置的记录", "For the system administrator only")


def require_read_instance(actor: Actor, case: Case | None) -> None:
    """Raise ``Forbidden`` unless the account may see a process instance: an administrator may see all, others those of
    the cases they may read.
    """
    if not may_administer(actor) and (case is None or not may_read_case(actor, case)):
        raise Forbidden


def require_mend_library(actor: Actor) -> None:
    """Raise ``Forbidden`` unless the account may see and mend what the city library of certificates lacks."""
    if not may_administer(actor):
        raise Forbidden("只有系统管理员可以核对电子证照库", "Only the system administrator mends the city library")


def require_manage_webhooks(actor: Actor) -> None:
    """Raise ``Forbidden`` unless the account may manage the webhooks to outside systems."""
    if not may_administer(actor):
        raise Forbidden("只有系统管理员可以管理推送地址", "Only the system administrator manages webhooks")


def require_change_calendar(actor: Actor, area: str) -> None:
    """Raise ``Forbidden`` unless the account may change the calendar of ``area``."""
    if not may_change_calendar(actor, area):
        raise Forbidden(
            "全市日历由市级统筹协调员或系统管理员维护，县区日历也可由本县区审批人维护",
            "Only the coordinator, the system administrator or the area's approver may change the calendar",
        )
