"""Run a job in one database transaction, and register which case its process instance belongs to."""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from pyzeebe import Job
from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from models.case import Case
from models.database import Database
from models.engine_state import InstanceState, ProcessInstance
from models.protocol import CASE_ID
from models.task import Task
from models.upsert import upsert
from services.deviations import arrivals
from settings import get_settings

HANDLER_THREADS = 8
KNOWN_INSTANCES = 50_000


class MissingVariable(Exception):
    """The job lacks a variable every process carries; the model does not pass it on."""


class _Recent:
    """The instances registered recently, so that a case's later jobs need not register theirs again."""

    def __init__(self, size: int) -> None:
        self._owners: OrderedDict[int, str] = OrderedDict()
        self._size = size
        self._lock = threading.Lock()

    def __contains__(self, known: tuple[int, str]) -> bool:
        key, owner = known
        return self._owners.get(key) == owner

    def add(self, key: int, owner: str) -> None:
        with self._lock:
            self._owners[key] = owner
            self._owners.move_to_end(key)
            if len(self._owners) > self._size:
                self._owners.popitem(last=False)


_registered = _Recent(KNOWN_INSTANCES)


@lru_cache(maxsize=1)
def database() -> Database:
    """Return the process's database, opened on first use."""
    return Database(get_settings().effective_database_url, pool_size=HANDLER_THREADS + 2)


def case_no(job: Job) -> str:
    """Return the case the job's process is about.

    Raises:
        MissingVariable: the process carries none.
    """
    number = job.variables.get(CASE_ID)
    if not number:
        raise MissingVariable(f"{job.bpmn_process_id}/{job.element_id}: {CASE_ID}")
    return str(number)


@contextmanager
def job_transaction(job: Job) -> Iterator[Session]:
    """Yield the session of the job's one transaction, committed at the end, before the job is completed.

    The first job of an instance also registers its case, so that user tasks of called processes find their
    case.
    """
    store = database()
    owner = str(job.variables.get(CASE_ID) or "")
    unknown = bool(owner) and (job.process_instance_key, owner) not in _registered
    with store.transaction() as session:
        if unknown:
            _register(session, job)
        yield session
    if unknown:
        _registered.add(job.process_instance_key, owner)


def _register(session: Session, job: Job) -> None:
    """Note whose the instance is, by its latest job: a killed engine may give an undone instance's key again."""
    owner = case_no(job)
    instance = {
        "key": job.process_instance_key,
        "case_no": owner,
        "process_id": job.bpmn_process_id,
        "version": job.process_definition_version,
        "state": InstanceState.ACTIVE,
    }
    upsert(session, ProcessInstance, [instance], update=("case_no",))
    waiting = session.exec(_WAITING_TASKS, params={"instance": job.process_instance_key}).all()
    case = session.get(Case, owner) if waiting else None
    for task in waiting:
        task.case_no = owner
        if case is not None:
            arrivals.adopt(session, task, case)


_WAITING_TASKS = select(Task).where(Task.process_instance_key == bindparam("instance"), col(Task.case_no).is_(None))
