"""Who is slowed down at sign-in now, from where, and password spraying (登录安全): for the security administrator.

Nobody is locked out: whoever has failed too often waits minutes (ADR 18). An owner who cannot wait is released here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pydantic import BaseModel
from sqlmodel import Session, col, select

from models.account import Account
from models.audit import AuditEntry
from services.accounts import system_rights
from services.accounts.actors import Actor
from services.accounts.administration import UnknownAccount
from services.clock import machine_now
from services.entrance.attempts import BY_ACCOUNT, BY_ACCOUNT_AND_ADDRESS, BY_ADDRESS, digest_of
from services.errors import Conflict, FieldProblem, InvalidInput
from services.journal import audit
from services.rate_limits import RateLimits
from settings import get_settings

REASON_LENGTH: Final = 500
MOST: Final = 200
"""How many of each are listed at most, those that wait longest first."""
TOLD_FOR: Final = timedelta(days=7)
"""How long spraying is shown; the audit trail keeps it permanently."""


class NotSlowed(Conflict):
    """The account does not have to wait, or not any more."""

    code, title, title_en = "not_slowed", "该账号现在没有被减速", "The account is not slowed down"


class Failures(BaseModel):
    """Where an account's failures came from: an address, how many in the last hour, and when the last one was."""

    address: str
    count: int
    last_at: datetime


class SlowedAccount(BaseModel):
    """A name that has to wait; ``username`` is null where nobody has it, for it may be a password typed there.

    ``address`` is the known address the limit holds for; null: it holds for all addresses unknown to the account.
    """

    username: str | None
    name: str | None
    address: str | None
    since: datetime
    until: datetime
    failures: list[Failures]


class SlowedAddress(BaseModel):
    """An address from which accounts that have not signed in there before have to wait."""

    address: str
    since: datetime
    until: datetime


class Spraying(BaseModel):
    """One address that failed with many names within an hour."""

    address: str
    accounts: int
    at: datetime


class SignInLimits(BaseModel):
    """All that is shown to the security administrator."""

    accounts: list[SlowedAccount]
    addresses: list[SlowedAddress]
    sprayings: list[Spraying]


def sign_in_limits(session: Session, actor: Actor) -> SignInLimits:
    """Return who is slowed down now, and the last week's sprayings, newest first."""
    system_rights.require_guard_sign_ins(actor)
    settings, limits = get_settings(), RateLimits(session)
    now = machine_now()
    waiting = [
        one
        for window in (BY_ACCOUNT, BY_ACCOUNT_AND_ADDRESS)
        for one in _waiting(limits, settings.sign_in_account_limit, window, now)
    ]
    waiting.sort(key=lambda one: one.until, reverse=True)
    owners = _owners(session, {one.who[0] for one in waiting})
    accounts = [_account(session, one, owners.get(one.who[0]), now) for one in waiting[:MOST]]
    addresses = [
        SlowedAddress(address=one.who[0], since=one.since, until=one.until)
        for one in _waiting(limits, settings.sign_in_address_limit, BY_ADDRESS, now)
    ]
    addresses.sort(key=lambda one: one.until, reverse=True)
    return SignInLimits(accounts=accounts, addresses=addresses[:MOST], sprayings=_sprayings(session, now))


def release(session: Session, actor: Actor, username: str, reason: str) -> None:
    """Let an account try again at once from everywhere, for a reason; raise ``NotFound`` and ``NotSlowed``."""
    system_rights.require_guard_sign_ins(actor)
    if not 0 < len(reason.strip()) <= REASON_LENGTH:
        raise InvalidInput([FieldProblem("reason", f"长度应为 1 至 {REASON_LENGTH} 个字符")])
    if session.get(Account, username) is None:
        raise UnknownAccount
    rules, limits, digest = get_settings().sign_in_account_limit, RateLimits(session), digest_of(username)
    windows = [
        (window, *who)
        for window in (BY_ACCOUNT, BY_ACCOUNT_AND_ADDRESS)
        for who in _tried(limits, rules, window)
        if who[0] == digest
    ]
    if not any(limits.wait(rules, *window) for window in windows):
        raise NotSlowed
    for window in windows:
        limits.clear(rules, *window)
    audit.append(session, actor.username, "session.release", username, {"reason": reason.strip()}, machine_now())


@dataclass(frozen=True)
class _Waiting:
    """A full window: whom it is for (a name's digest and perhaps an address, or an address), since and until when."""

    who: tuple[str, ...]
    since: datetime
    until: datetime


def _waiting(limits: RateLimits, rules: str, window: str, now: datetime) -> Iterator[_Waiting]:
    for who, since in _tried(limits, rules, window).items():
        if seconds := limits.wait(rules, window, *who):
            yield _Waiting(who, since, now + timedelta(seconds=seconds))


def _tried(limits: RateLimits, rules: str, window: str) -> dict[tuple[str, ...], datetime]:
    """Return who has an entry in a window; an address may have a ``/`` of its own (IPv6), a digest has none."""
    parts = 0 if window == BY_ADDRESS else 1
    return {tuple(who.split("/", parts)): since for who, since in limits.tried(rules, window).items()}


def _account(session: Session, one: _Waiting, owner: Account | None, now: datetime) -> SlowedAccount:
    address = one.who[1] if len(one.who) > 1 else None
    failures = _failures(session, owner.username, now) if owner is not None else []
    return SlowedAccount(
        username=owner.username if owner is not None else None,
        name=owner.display_name if owner is not None else None,
        address=address,
        since=one.since,
        until=one.until,
        failures=[failed for failed in failures if address in (None, failed.address)],
    )


def _owners(session: Session, digests: set[str]) -> dict[str, Account]:
    """Return the accounts that names were counted for: every account's digest is computed, for none can be reversed."""
    if not digests:
        return {}
    found = {digest_of(username): username for username in session.exec(select(Account.username)).all()}
    named = {digest: found[digest] for digest in digests if digest in found}
    return {digest: session.get_one(Account, username) for digest, username in named.items()}


def _failures(session: Session, username: str, now: datetime) -> list[Failures]:
    """Return where the account's failures of the last hour came from, as the audit trail has it."""
    query = (
        select(AuditEntry)
        .where(AuditEntry.subject == username, AuditEntry.action == "session.refuse")
        .where(col(AuditEntry.at) > now - timedelta(hours=1))
        .order_by(col(AuditEntry.id).desc())
        .limit(MOST)
    )
    by_address: dict[str, Failures] = {}
    for entry in session.exec(query).all():
        address = str(entry.detail.get("from", ""))
        one = by_address.setdefault(address, Failures(address=address, count=0, last_at=entry.at))
        one.count += 1
    return list(by_address.values())


def _sprayings(session: Session, now: datetime) -> list[Spraying]:
    query = (
        select(AuditEntry)
        .where(AuditEntry.action == "session.sprayed", col(AuditEntry.at) > now - TOLD_FOR)
        .order_by(col(AuditEntry.id).desc())
        .limit(MOST)
    )
    return [
        Spraying(address=one.subject, accounts=int(one.detail.get("accounts", 0)), at=one.at)
        for one in session.exec(query).all()
    ]
