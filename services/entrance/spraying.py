"""Notice that one address tries many accounts (password spraying), and notify the security administrator."""

from datetime import datetime
from typing import Final

from sqlmodel import Session

from models.group import SECURITY_ADMINISTRATOR
from models.notification import NotificationKind, NotificationSubject
from services.journal import audit, timeline
from services.notifications import inbox
from services.rate_limits import RateLimits
from settings import get_settings

SIGNAL: Final = "sign_in_sprayed"
_ONCE_A_WINDOW: Final = "1/hour"


def note(session: Session, origin: str, name: str, now: datetime) -> None:
    """Count an account that failed from an address; at the configured number within an hour, report it once.

    ``name`` is the account's digest: names that do not exist count too and are not written down.
    """
    limits, most = RateLimits(session), get_settings().spraying_accounts
    window = f"{most}/hour"
    if not limits.note(_ONCE_A_WINDOW, "sprayed", origin, name):
        return
    if limits.note(window, "spraying", origin) and limits.wait(window, "spraying", origin):
        _report(session, origin, most, now)


def _report(session: Session, origin: str, accounts: int, now: datetime) -> None:
    audit.append(session, timeline.SYSTEM, "session.sprayed", origin, {"accounts": accounts}, now)
    audit.write_now(session)
    subject = inbox.Subject(NotificationSubject.SIGN_IN, audit.head(session).id, "登录失败集中")
    text = f"一小时内有{accounts}个不同用户名从 {origin} 登录失败，请核查是否有人在试探密码"
    cause = inbox.Cause(SIGNAL, text, now, origin)
    inbox.notify_about(session, subject, NotificationKind.SUPERVISION, [SECURITY_ADMINISTRATOR.name], cause)
