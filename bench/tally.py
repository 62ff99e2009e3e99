"""Count what cases left in the database: each one finished, and each effect is there once."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, func, select

from models.audit import TimelineEntry
from models.case import Case
from models.database import Database
from models.document import Certificate, Document
from models.engine_state import Incident, InstanceState, ProcessInstance
from models.outbox import OutboxCommand, OutboxStatus
from models.set_aside import SetAsideRecord
from models.task import Task
from models.task_outcome import TaskOutcome

ONCE = ("case.received", "case.accepted", "case.decided", "case.delivered", "case.closed")
GO_ON = ("supervision-push", "county-filing")
"""Processes of a case that outlive it."""


@dataclass(frozen=True)
class Tally:
    """What is in the database; all but the first four are to be 0."""

    case_nos: frozenset[str]
    closed: int
    certificates: int
    documents: int
    doubled: int
    """Papers, certificates, opinions and events of a case that are there more than once, or are missing."""
    active: int
    """Instances of closed cases that the engine has not left."""
    open_tasks: int
    given_up: int
    incidents: int
    set_aside: int

    @classmethod
    def of(cls, database: Database) -> "Tally":
        """Count in one transaction."""
        with database.reading() as session:
            return cls(
                case_nos=frozenset(session.exec(select(Case.case_no)).all()),
                closed=_count(session, Case, ~col(Case.is_open)),
                certificates=_count(session, Certificate),
                documents=_count(session, Document),
                doubled=_doubled(session),
                active=_count(
                    session,
                    ProcessInstance,
                    ProcessInstance.state == InstanceState.ACTIVE,
                    col(ProcessInstance.process_id).not_in(GO_ON),
                    col(ProcessInstance.case_no).is_not(None),
                ),
                open_tasks=_count(session, Task, col(Task.is_open), col(Task.process_id).not_in(GO_ON)),
                given_up=_count(session, OutboxCommand, OutboxCommand.status == OutboxStatus.DEAD),
                incidents=_count(session, Incident, col(Incident.resolved_at).is_(None)),
                set_aside=_count(session, SetAsideRecord),
            )

    @property
    def is_settled(self) -> bool:
        """Tell whether the engine has left every case."""
        return self.active == self.open_tasks == 0

    def agrees(self, submitted: Sequence[str]) -> bool:
        """Tell whether what was submitted came out, once and whole."""
        whole = self.case_nos == set(submitted) and self.closed == self.certificates == len(self.case_nos)
        return whole and self.is_settled and not (self.doubled or self.given_up or self.incidents or self.set_aside)

    def rows(self, submitted: Sequence[str]) -> list[tuple[str, str]]:
        """Return the rows of the table."""
        found = (
            ("cases submitted, by their answers", len(set(submitted))),
            ("cases in the database", len(self.case_nos)),
            ("cases closed", self.closed),
            ("certificates", self.certificates),
            ("papers", self.documents),
            ("papers, opinions, events doubled or missing", self.doubled),
            ("instances of theirs the engine has not left", self.active),
            ("open tasks", self.open_tasks),
            ("commands given up", self.given_up),
            ("open incidents", self.incidents),
            ("records set aside", self.set_aside),
        )
        return [(what, str(number)) for what, number in found]


def _count(session: Session, table: type, *where: object) -> int:
    return int(session.exec(select(func.count()).select_from(table).where(*where)).one())  # type: ignore[arg-type]


def _doubled(session: Session) -> int:
    papers = _more_than_once(session, Document.case_no, Document.kind)
    certificates = _more_than_once(session, Certificate.case_no)
    opinions = _more_than_once(session, TaskOutcome.case_no, TaskOutcome.element_id)
    seen = session.exec(
        select(TimelineEntry.case_no, TimelineEntry.event, func.count())
        .join(Case, col(Case.case_no) == col(TimelineEntry.case_no))
        .where(col(TimelineEntry.event).in_(ONCE), ~col(Case.is_open))
        .group_by(TimelineEntry.case_no, TimelineEntry.event)
    ).all()
    closed = _count(session, Case, ~col(Case.is_open))
    events = sum(count != 1 for _, _, count in seen) + closed * len(ONCE) - len(seen)
    return papers + certificates + opinions + events


def _more_than_once(session: Session, *columns: object) -> int:
    twice = select(*columns).group_by(*columns).having(func.count() > 1)  # type: ignore[call-overload]
    return len(session.exec(twice).all())
