"""What the city library (市电子证照库) is to know of each certificate, and how it stands to our register.

One row a certificate says which version of it the library has confirmed. A version is sent until it is confirmed; what
is in step is compared from time to time, and a difference is shown and mended by sending the certificate anew, under
the next version.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from pydantic import BaseModel
from sqlmodel import Session, col, func, select, update

from models.certificate import LibraryEntry, LibraryStanding
from models.document import Certificate
from services.accounts import system_rights
from services.accounts.actors import Actor
from services.certificates import history
from services.clock import machine_now, product_now
from services.journal import audit, timeline
from services.paging import Order, Page, read

RETRY_PAUSES: Final = tuple(timedelta(seconds=pause) for pause in (2, 5, 15, 60, 300, 600))
"""The pauses after failures in a row; the last one stays, for a certificate is sent until the library has it."""
COMPARE_EVERY: Final = timedelta(hours=6)
LEASE: Final = timedelta(seconds=60)
"""How long one attempt may take; then another bridge may try."""
LONGEST_DIFFERENCE: Final = 500
_NOT_IN_STEP: Final = (LibraryStanding.PENDING, LibraryStanding.DIFFERS)

log = structlog.get_logger(__name__)


class LibraryEntryView(BaseModel):
    """A certificate the city library does not have as we do."""

    number: str
    item: str
    library: LibraryStanding
    version: int
    confirmed_version: int
    attempts: int
    next_at: datetime
    confirmed_at: datetime | None
    difference: str


class LibraryFigures(BaseModel):
    """How many certificates stand how to the city library."""

    in_step: int
    pending: int
    differs: int


@dataclass(frozen=True)
class Due:
    """One thing to ask the library: to take a version of a certificate, or, ``compare``, what it has."""

    number: str
    version: int
    compare: bool
    record: dict[str, Any]
    leased_until: datetime

    @property
    def request_id(self) -> str:
        """Return the name of the request: the library answers a repeated one without doing it again."""
        return f"{self.number}:{self.version}"


def advance(session: Session, number: str) -> None:
    """Note that the register's state of a certificate is new to the library, which is told at once."""
    entry = session.get(LibraryEntry, number, with_for_update=True, populate_existing=True)
    if entry is None:
        session.add(LibraryEntry(number=number, available_at=machine_now()))
    else:
        _send_again(entry)
        session.add(entry)
    session.flush()


def standing_of(session: Session, number: str) -> LibraryStanding:
    """Return how the library's record of a certificate stands to ours."""
    entry = session.get(LibraryEntry, number)
    return entry.standing if entry is not None else LibraryStanding.PENDING


def entry_of(session: Session, number: str) -> LibraryEntry | None:
    """Return the library's row of a certificate, or None."""
    return session.get(LibraryEntry, number)


def is_anything_due(session: Session) -> bool:
    """Tell whether something is to be asked of the library now."""
    due = select(LibraryEntry.number).where(col(LibraryEntry.available_at) <= machine_now()).limit(1)
    return session.exec(due).first() is not None


def take(session: Session, limit: int) -> list[Due]:
    """Lease what is due: what is to be sent first, then what is to be compared; oldest first."""
    now = machine_now()
    found: list[LibraryEntry] = []
    for standings in (_NOT_IN_STEP, (LibraryStanding.IN_STEP,)):
        query = (
            select(LibraryEntry)
            .where(col(LibraryEntry.standing).in_(standings), col(LibraryEntry.available_at) <= now)
            .order_by(col(LibraryEntry.available_at), col(LibraryEntry.number))
            .limit(limit - len(found))
            .with_for_update(skip_locked=True)
        )
        found += session.exec(query).all() if len(found) < limit else []
    due = []
    for entry in found:
        entry.available_at = now + LEASE
        session.add(entry)
        record = record_of(session.get_one(Certificate, entry.number))
        comparing = entry.standing is LibraryStanding.IN_STEP
        due.append(Due(entry.number, entry.version, comparing, record, entry.available_at))
    return due


def record_of(certificate: Certificate) -> dict[str, Any]:
    """Return what the library keeps of a certificate: what was decided; expiry follows from the last day."""
    return {
        "number": certificate.number,
        "item": certificate.item_code,
        "name": certificate.name,
        "holder": certificate.holder,
        "state": certificate.status.value,
        "issued_at": certificate.issued_at.isoformat(),
        "valid_until": certificate.valid_until.isoformat() if certificate.valid_until is not None else None,
        "replaces": certificate.replaces,
        "replaced_by": certificate.replaced_by,
        "signature": certificate.signature,
    }


def confirm(session: Session, due: Due) -> None:
    """Record that the library took a version; in step unless the register has moved on meanwhile."""
    entry = session.get_one(LibraryEntry, due.number, with_for_update=True, populate_existing=True)
    now = machine_now()
    entry.confirmed_version = max(entry.confirmed_version, due.version)
    entry.attempts, entry.difference = 0, ""
    if entry.confirmed_version >= entry.version:
        entry.standing, entry.confirmed_at = LibraryStanding.IN_STEP, now
        _next(entry, due, now + COMPARE_EVERY)
    session.add(entry)


def fail(session: Session, due: Due, error: str) -> None:
    """Record a failed attempt; the next follows after a growing pause."""
    entry = session.get_one(LibraryEntry, due.number, with_for_update=True, populate_existing=True)
    if entry.version != due.version:
        return
    entry.attempts += 1
    entry.difference = error[:LONGEST_DIFFERENCE]
    pause = RETRY_PAUSES[min(entry.attempts, len(RETRY_PAUSES)) - 1]
    _next(entry, due, machine_now() + pause)
    session.add(entry)
    log.warning("certificate.library_failed", number=due.number, attempts=entry.attempts)


def compared(session: Session, due: Due, found: dict[str, Any] | None) -> None:
    """Record what the library has of a certificate in step: the same, or a difference, which is mended at once."""
    entry = session.get_one(LibraryEntry, due.number, with_for_update=True, populate_existing=True)
    if entry.version != due.version or entry.standing is not LibraryStanding.IN_STEP:
        return
    difference = difference_of(due.record, found)
    if not difference:
        entry.attempts, entry.difference = 0, ""
        _next(entry, due, machine_now() + COMPARE_EVERY)
        session.add(entry)
        return
    _send_again(entry)
    entry.standing, entry.difference = LibraryStanding.DIFFERS, difference[:LONGEST_DIFFERENCE]
    session.add(entry)
    certificate = session.get_one(Certificate, due.number)
    history.append(
        session,
        certificate,
        "library.differed",
        f"市电子证照库与本系统不一致：{difference}；已重新归集",
        key=f"library:{entry.version}",
        case_no=certificate.case_no,
        actor=timeline.SYSTEM,
        at=product_now(session),
    )
    log.warning("certificate.library_differs", number=due.number)


def difference_of(ours: dict[str, Any], found: dict[str, Any] | None) -> str:
    """Return in which parts the library's record differs from ours, without a person's data; empty: in none."""
    if found is None:
        return "库中没有这份证照"
    names = {
        "state": "状态",
        "valid_until": "有效期",
        "replaced_by": "替代证照",
        "holder": "持证人",
        "item": "事项",
        "signature": "签名",
    }
    told = []
    for key, name in names.items():
        if found.get(key) != ours[key]:
            shown = f"（库中为{found.get(key)}）" if key == "state" else ""
            told.append(f"{name}{shown}")
    return "、".join(told)


def list_differences(session: Session, actor: Actor, *, cursor: str | None, limit: int) -> Page[LibraryEntryView]:
    """Return the certificates that are not in step, longest waiting first; for the system administrator."""
    system_rights.require_mend_library(actor)
    query = (
        select(LibraryEntry, Certificate)
        .join(Certificate, col(Certificate.number) == LibraryEntry.number)
        .where(col(LibraryEntry.standing).in_(_NOT_IN_STEP))
    )
    found = read(session, query, Order(LibraryEntry.number), cursor, limit)
    return found.page(lambda row: _view(*row))


def figures(session: Session, actor: Actor) -> LibraryFigures:
    """Return how many certificates stand how to the library; for the system administrator."""
    system_rights.require_mend_library(actor)
    rows: Sequence[Any] = session.exec(
        select(LibraryEntry.standing, func.count()).group_by(col(LibraryEntry.standing))
    ).all()
    counts: dict[LibraryStanding, int] = dict(rows)
    return LibraryFigures(**{one.value: counts.get(one, 0) for one in LibraryStanding})


def mend(session: Session, actor: Actor) -> LibraryFigures:
    """Have everything not in step sent, and everything else compared, as soon as the bridge can."""
    system_rights.require_mend_library(actor)
    session.exec(update(LibraryEntry).values(available_at=machine_now()))
    audit.append(session, actor.username, "library.mend", "city-library", {}, product_now(session))
    return figures(session, actor)


def _next(entry: LibraryEntry, due: Due, at: datetime) -> None:
    """Ask again at an instant, unless it was asked for sooner while this attempt ran: then that wish stands."""
    if entry.available_at == due.leased_until:
        entry.available_at = at


def _send_again(entry: LibraryEntry) -> None:
    entry.version += 1
    entry.standing, entry.attempts, entry.difference = LibraryStanding.PENDING, 0, ""
    entry.available_at = machine_now()


def _view(entry: LibraryEntry, certificate: Certificate) -> LibraryEntryView:
    return LibraryEntryView(
        number=entry.number,
        item=certificate.item_code,
        library=entry.standing,
        version=entry.version,
        confirmed_version=entry.confirmed_version,
        attempts=entry.attempts,
        next_at=entry.available_at,
        confirmed_at=entry.confirmed_at,
        difference=entry.difference,
    )
