"""Answer a task: what stands outside the database is looked at first, then the answer is recorded.

Files are read before the transaction, which holds the case and, on SQLite, every other writer.
"""

from connectors.storage import BlobStore
from models.database import Database
from models.protocol import Element
from models.task import Task
from services.accounts.actors import Actor
from services.cases import dossier_receipt
from services.cases.dossier_receipt import DossierDamaged
from services.tasks import completion
from services.tasks.access import get_open
from services.tasks.views import TaskCompletion, TaskView


def answer(database: Database, store: BlobStore, actor: Actor, key: int, given: TaskCompletion) -> TaskView:
    """Record the answer; signing for a transfer dossier verifies it, so that the city signs for what was sent.

    Raises:
        DossierDamaged: the dossier or a file of it was changed; nothing is recorded but the alarm.
    """
    with database.reading() as session:
        task = session.get(Task, key)
        signed_for = task is not None and task.element_id == Element.DOSSIER_RECEIPT
        case_no = get_open(session, actor, key).case_no if signed_for else None
        found = dossier_receipt.verify(session, store, case_no) if case_no is not None else None
    if case_no is not None and found is not None and not found.whole:
        with database.transaction() as session:
            dossier_receipt.note(session, actor, case_no, found)
        raise DossierDamaged
    with database.transaction() as session:
        done = completion.complete(session, actor, key, given)
        if case_no is not None and found is not None:
            dossier_receipt.note(session, actor, case_no, found)
    return done
