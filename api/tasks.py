"""People's tasks: list, read, claim, hand over, complete."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api.dependencies import Caller, Cursor, Empty, EngineKey, Limit, Search, WebDatabase, engine_key
from api.problems import documented
from api.routing import API_BASE, StaffRoute
from api.uploads import FileStore
from models.task import Light
from services.paging import Page
from services.tasks import answering, assignment, worklist
from services.tasks.views import TaskCompletion, TaskDetail, TaskView

router = APIRouter(prefix=API_BASE, route_class=StaffRoute, tags=["tasks"])


class Transfer(BaseModel):
    """The body of ``POST /tasks/{id}/transfer``: the account that takes the task over, and why."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    to: str = Field(min_length=1, max_length=64)
    reason: str = Field(min_length=1, max_length=1000)


class TaskCounts(BaseModel):
    """How many open tasks the account and its groups have, up to 1,000 each."""

    mine: int
    group: int
    yellow: int
    red: int


@router.get("/tasks", responses=documented(401, 422))
def list_tasks(
    caller: Caller,
    database: WebDatabase,
    scope: Literal["mine", "group", ""] = "group",
    case_no: Annotated[str | None, Query(max_length=64)] = None,
    q: Search = None,
    light: Light | Empty | None = None,
    sort: Literal["due_at", "-created_at", ""] = "due_at",
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[TaskView]:
    """List open tasks: the account's own (`mine`) or those of its groups (`group`)."""
    with database.reading() as session:
        return worklist.list_tasks(
            session,
            caller,
            scope=scope or "group",
            case_no=case_no or None,
            q=q or None,
            light=light or None,
            sort=sort or "due_at",
            cursor=cursor or None,
            limit=limit,
        )


@router.get("/tasks/count", responses=documented(401))
def count_tasks(caller: Caller, database: WebDatabase) -> TaskCounts:
    """Count the open tasks and those whose light is yellow or red."""
    with database.reading() as session:
        return TaskCounts.model_validate(worklist.count_tasks(session, caller))


@router.get("/tasks/{id}", responses=documented(401, 403, 404))
def get_task(id: EngineKey, caller: Caller, database: WebDatabase) -> TaskDetail:
    """Return one task with its form."""
    with database.reading() as session:
        return worklist.get_task(session, caller, engine_key(id))


@router.post(
    "/tasks/{id}/claim", status_code=202, responses=documented(401, 403, 404, conflict="task_closed, task_claimed")
)
def claim_task(id: EngineKey, caller: Caller, database: WebDatabase) -> TaskView:
    """Claim a task."""
    with database.transaction() as session:
        return assignment.claim(session, caller, engine_key(id))


@router.post("/tasks/{id}/release", status_code=202, responses=documented(401, 403, 404, conflict="task_closed"))
def release_task(id: EngineKey, caller: Caller, database: WebDatabase) -> TaskView:
    """Give a claimed task back to its groups."""
    with database.transaction() as session:
        return assignment.release(session, caller, engine_key(id))


@router.post(
    "/tasks/{id}/transfer",
    status_code=202,
    responses=documented(401, 403, 404, 413, 415, 422, conflict="task_closed"),
)
def transfer_task(id: EngineKey, body: Transfer, caller: Caller, database: WebDatabase) -> TaskView:
    """Hand a task to another of its candidates."""
    with database.transaction() as session:
        return assignment.reassign(session, caller, engine_key(id), body.to, body.reason)


@router.post(
    "/tasks/{id}/complete",
    status_code=202,
    responses=documented(
        401,
        403,
        404,
        413,
        415,
        422,
        conflict="task_closed, case_paused, dossier_missing, dossier_damaged, form_check_unmet",
    ),
)
def complete_task(
    id: EngineKey, body: TaskCompletion, caller: Caller, database: WebDatabase, store: FileStore
) -> TaskView:
    """Record the answer; the task is done at once, and the engine gets it through the outbox."""
    return answering.answer(database, store, caller, engine_key(id), body)
