"""Send each record to the module that knows its type."""

from collections.abc import Callable, Iterable
from itertools import groupby

from sqlmodel import Session

from bridge.projection.definitions import Definitions
from bridge.projection.elements import ENDS, apply_elements
from bridge.projection.hooks import Hooks
from bridge.projection.incidents import apply_incidents
from bridge.projection.instances import apply_started
from bridge.projection.records import Record
from bridge.projection.running_work import apply_jobs, apply_timers
from bridge.projection.user_tasks import RELEVANT, apply_user_tasks

Handler = Callable[[Session, list[Record]], None]

_RELEVANT: dict[str, frozenset[str]] = {
    "USER_TASK": RELEVANT,
    "INCIDENT": frozenset({"CREATED", "RESOLVED"}),
    "PROCESS": frozenset({"CREATED", "DELETING", "DELETED"}),
    "FORM": frozenset({"CREATED", "DELETED"}),
    "DEPLOYMENT": frozenset({"CREATED"}),
    "MESSAGE_START_EVENT_SUBSCRIPTION": frozenset({"CORRELATED"}),
    "PROCESS_INSTANCE": frozenset({"ELEMENT_ACTIVATING", "ELEMENT_MIGRATED", *ENDS}),
    "TIMER": frozenset({"CREATED", "TRIGGERED", "CANCELED"}),
    "JOB": frozenset({"CREATED", "COMPLETED", "CANCELED", "ERROR_THROWN"}),
}


def is_relevant(record: Record) -> bool:
    """Tell whether a record changes any table; the engine announces most things twice (``…ING``, ``…ED``).

    One whose line could not be read counts as relevant where its intent could not be made out.
    """
    intents = _RELEVANT.get(record.value_type, frozenset())
    return record.intent in intents or bool(record.fault and not record.intent and intents)


class Projector:
    """Apply records, in order, inside the caller's transaction."""

    def __init__(self, hooks: Hooks) -> None:
        definitions = Definitions()
        self._handlers: dict[str, Handler] = {
            "USER_TASK": lambda session, records: apply_user_tasks(session, records, definitions, hooks),
            "INCIDENT": apply_incidents,
            "PROCESS": definitions.apply_processes,
            "FORM": definitions.apply_forms,
            "DEPLOYMENT": definitions.apply_deployments,
            "MESSAGE_START_EVENT_SUBSCRIPTION": lambda session, records: apply_started(session, records, hooks),
            "PROCESS_INSTANCE": lambda session, records: apply_elements(session, records, hooks),
            "TIMER": apply_timers,
            "JOB": apply_jobs,
        }

    def apply(self, session: Session, records: Iterable[Record]) -> None:
        """Apply the relevant ones of ``records``; neighbours of one type go together."""
        relevant = (record for record in records if is_relevant(record))
        for value_type, run in groupby(relevant, key=lambda record: record.value_type):
            self._handlers[value_type](session, list(run))
