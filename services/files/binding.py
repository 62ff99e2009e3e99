"""Bind a file to what it belongs to: either a material or a person's answer, permanently."""

from collections.abc import Iterable, Mapping, Sequence

from sqlmodel import Session, col, select

from models.stored_file import StoredFile
from services.accounts.actors import Actor
from services.clock import product_now
from services.errors import FieldProblem, InvalidInput
from services.files.views import FileView, view
from services.journal import seals


def require_usable(session: Session, actor: Actor, named: Mapping[str, Sequence[str]]) -> None:
    """Refuse files that are not there, somebody else's, or in use; ``named`` are the ids by the field they came in.

    Raises:
        InvalidInput: with the field of each.
    """
    now = product_now(session)
    problems, seen = [], set()
    for field, ids in named.items():
        for place, file_id in enumerate(ids):
            file = session.get(StoredFile, file_id, with_for_update=True, populate_existing=True)
            message = None
            if file is None or file.uploaded_by != actor.username or file.is_gone(now):
                message = "没有这个文件，或者上传已超过一天，请重新上传"
            elif file.case_no is not None or file_id in seen:
                message = "该文件已经用在别处，请重新上传"
            seen.add(file_id)
            if message is not None:
                problems.append(FieldProblem(f"{field}.{place}", message))
    if problems:
        raise InvalidInput(problems)


def bind(
    session: Session, ids: Iterable[str], case_no: str, *, material_id: int | None = None, task_key: int | None = None
) -> None:
    """Give files that were found usable to a material or an answer of a case."""
    now = product_now(session)
    for file_id in ids:
        file = session.get_one(StoredFile, file_id)
        file.case_no, file.material_id, file.task_key, file.bound_at = case_no, material_id, task_key, now
        session.add(file)
        session.flush()
        seals.seal(session, file)


def of_case(session: Session, case_no: str) -> list[StoredFile]:
    """Return every file of a case, in the order they came."""
    query = select(StoredFile).where(StoredFile.case_no == case_no)
    return list(session.exec(query.order_by(col(StoredFile.bound_at), col(StoredFile.id))).all())


def by_material(files: Iterable[StoredFile]) -> dict[int, list[FileView]]:
    """Return files by the material they belong to."""
    found: dict[int, list[FileView]] = {}
    for file in files:
        if file.material_id is not None:
            found.setdefault(file.material_id, []).append(view(file))
    return found


def by_task(files: Iterable[StoredFile]) -> dict[int, list[FileView]]:
    """Return files by the answered task they were handed in with."""
    found: dict[int, list[FileView]] = {}
    for file in files:
        if file.task_key is not None:
            found.setdefault(file.task_key, []).append(view(file))
    return found
