"""Record what happens to a delegated power: ledger, notifications and webhooks in one call.

The ledger (权力运行台账) takes every event, with its audit entry; whoever has to act on it or is affected by it is
notified; outside systems are told where the event concerns them. All of it in the transaction of the act itself, and
once: an event whose key the ledger knows writes nothing and tells nobody again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlmodel import Session

from models.notification import NotificationKind, NotificationSubject
from models.power_event import PowerSubject
from services.notifications import inbox
from services.powers import ledger
from services.webhooks import subscriptions

_NOTIFIED_ABOUT: Final = {
    PowerSubject.AGREEMENT: NotificationSubject.AGREEMENT,
    PowerSubject.FILING: NotificationSubject.FILING,
    PowerSubject.RECALL: NotificationSubject.RECALL,
    PowerSubject.CONSULTATION: NotificationSubject.QUESTION,
}
"""What people are notified about; nobody is of a list, a guide or a unit transfer."""


@dataclass(frozen=True)
class Matter:
    """What an event happened to; ``title`` is what notifications call it, ``case_no`` the case behind it if any."""

    subject: PowerSubject
    id: int
    area: str = ""
    unit: str = ""
    title: str = ""
    case_no: str | None = None


@dataclass(frozen=True)
class Notice:
    """Whom an event is brought to, and how, where it is not in the event's own words.

    ``signal`` names the cause on lists, by default the event with underscores; ``key`` makes the notification unique,
    by default the signal.
    """

    groups: Sequence[str]
    text: str | None = None
    kind: NotificationKind = NotificationKind.REMINDER
    signal: str | None = None
    key: str | None = None


def record(
    session: Session,
    matter: Matter,
    event: str,
    text: str,
    *,
    actor: str,
    at: datetime,
    key: str | None = None,
    notices: Sequence[Notice] = (),
    webhook: Mapping[str, Any] | None = None,
) -> bool:
    """Record an event under its key, by default its name, and tell whether it was new.

    ``webhook`` is the event's data for outside systems, as ``services.webhooks.event_types`` has it; None where they
    are told nothing.
    """
    new = ledger.append(
        session,
        matter.subject,
        matter.id,
        event,
        text,
        actor=actor,
        at=at,
        area=matter.area,
        unit=matter.unit,
        key=key,
    )
    if not new:
        return False
    for notice in notices:
        _notify(session, matter, event, notice, text, at)
    if webhook is not None:
        subscriptions.publish(session, event, f"{matter.subject.value}:{matter.id}", dict(webhook), at)
    return True


def _notify(session: Session, matter: Matter, event: str, notice: Notice, text: str, at: datetime) -> None:
    about = inbox.Subject(_NOTIFIED_ABOUT[matter.subject], matter.id, matter.title, matter.area, matter.case_no)
    signal = notice.signal or event.replace(".", "_")
    cause = inbox.Cause(signal, notice.text or text, at, notice.key or signal)
    inbox.notify_about(session, about, notice.kind, notice.groups, cause)
