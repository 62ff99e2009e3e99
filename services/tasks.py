"""People's tasks: list, claim, hand over, and complete; and what the engine says became of them.

Completing writes the answer, its audit and the command for the engine in one transaction. A task is done for people
from then on; the engine confirms it, or, when a timer or a withdrawal was first, the answer is marked overtaken.
"""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import bindparam, func, update
from sqlmodel import Session, col, select

from models import form
from models.case import Applicant, Case, CaseState
from models.decision import Decision, DecisionStatus
from models.identity import masked_name
from models.task import NO_DUE, ClockShare, FormVersion, Light, Task, TaskCandidate, TaskStatus
from services import audit, hearings, inspection, outbox, task_queries, timeline, tolerance
from services.actors import Actor, groups_of
from services.clock import product_now
from services.errors import Conflict, FieldProblem, Forbidden, InvalidInput, NotFound
from services.kept import Kept
from services.paging import Page, decode_cursor, encode_cursor
from services.task_views import FormView, OutcomeView, TaskCompletion, TaskDetail, TaskView

SORTS = ("due_at", "-created_at")
MERITS = frozenset({"approve", "deny"})


class TaskClosed(Conflict):
    """The task was completed before, or the process has left it."""

    code, title, title_en = "task_closed", "该任务已经办结", "Task already closed"


class TaskClaimed(Conflict):
    """Somebody else has claimed the task."""

    code, title, title_en = "task_claimed", "该任务已被他人认领", "Task claimed by somebody else"


class CasePaused(Conflict):
    """The case is in a special procedure, so no decision can be taken."""

    code, title, title_en = (
        "case_paused",
        "办件处于特别程序中，不能作出决定",
        "Case is in a special procedure",
    )


def list_tasks(
    session: Session,
    actor: Actor,
    *,
    scope: str = "group",
    case_no: str | None = None,
    q: str | None = None,
    light: Light | None = None,
    sort: str = "due_at",
    cursor: str | None = None,
    limit: int = 50,
) -> Page[TaskView]:
    """Return a page of open tasks of the actor (``mine``) or of the actor's groups (``group``)."""
    now = product_now(session)
    position = decode_cursor(cursor, (str, int))
    shape = task_queries.Shape(
        of_group=scope != "mine",
        of_case=case_no is not None,
        worded=bool(q),
        light=light,
        sort=sort,
        behind=position is not None,
    )
    sought: dict[str, Any] = {"case_no": case_no, "word": task_queries.containing(q or ""), "now": now}
    sought["most"] = limit + 1
    if position is not None:
        sought["at"], sought["key"] = instant_of_cursor(position[0]), position[1]
    whose = [{"group": name} for name in sorted(actor.groups)] if shape.of_group else [{"username": actor.username}]
    query = task_queries.page_query(shape)
    found: list[Task] = [task for one in whose for task in session.exec(query, params=sought | one).all()]
    unique = {task.key: task for task in found}
    rows = sorted(unique.values(), key=lambda task: _sort_key(task, sort))[: limit + 1]
    more = len(rows) > limit
    rows = rows[:limit]
    forms = _forms(session, rows)
    last = rows[-1] if more else None
    return Page[TaskView](
        items=[view(task, forms, now) for task in rows],
        next=encode_cursor(_sort_value(last, sort).astimezone(UTC).isoformat(), last.key) if last else None,
    )


def open_tasks(session: Session, case_no: str, now: datetime) -> list[TaskView]:
    """Return all open tasks of a case, whoever's."""
    rows = session.exec(
        select(Task).where(Task.case_no == case_no, col(Task.is_open)).order_by("created_at", "key")
    ).all()
    forms = _forms(session, rows)
    return [view(task, forms, now) for task in rows]


def count_tasks(session: Session, actor: Actor) -> dict[str, int]:
    """Return how many open tasks the actor and the actor's groups have, up to 1,000 each, and how many burn."""
    now = product_now(session)
    counts = {"mine": 0, "group": 0, "yellow": 0, "red": 0}
    counts["mine"] = len(session.exec(_OWN_KEYS, params={"username": actor.username}).all())
    keys: dict[int, Light] = {}
    for group in sorted(actor.groups):
        for task in session.exec(_COUNTED, params={"group": group}).all():
            keys[task.key] = task.light(now)
    counts["group"] = len(keys)
    for colour in (Light.YELLOW, Light.RED):
        counts[colour.value] = sum(light is colour for light in keys.values())
    return counts


def get_task(session: Session, actor: Actor, key: int) -> TaskDetail:
    """Return a task with its form; candidates, its assignee, and whoever completed it may see it."""
    task = _find(session, key)
    _require_candidate(task, actor)
    now = product_now(session)
    forms = _forms(session, [task])
    schema = forms.get(task.form_key) if task.form_key is not None else None
    shown = FormView(schema_=schema.definition, data=_form_data(session, task)) if schema else None
    return TaskDetail(**view(task, forms, now).model_dump(), form=shown, status=task.status.value)


def claim(session: Session, actor: Actor, key: int) -> TaskView:
    """Take a task; claiming one's own again changes nothing."""
    task = _find_open(session, actor, key)
    if task.assignee is not None and task.assignee != actor.username:
        raise TaskClaimed(f"该任务已由{task.assignee}认领")
    if task.assignee is None:
        _assign(session, task, actor.username, actor, "认领")
    return _view_now(session, task)


def release(session: Session, actor: Actor, key: int) -> TaskView:
    """Give a claimed task back to its groups."""
    task = _find_open(session, actor, key)
    if task.assignee is not None and task.assignee != actor.username:
        raise Forbidden("只有认领人可以退回该任务", "Only the assignee may release the task")
    if task.assignee is not None:
        _assign(session, task, None, actor, "退回公共列表")
    return _view_now(session, task)


def transfer(session: Session, actor: Actor, key: int, to: str, reason: str) -> TaskView:
    """Hand a task to another candidate, with the reason."""
    task = _find_open(session, actor, key)
    _require_not_taken(task, actor)
    if not set(groups_of(session, to)) & set(task.candidate_groups):
        raise InvalidInput([FieldProblem("to", "对方不在该任务的候选范围内")])
    _assign(session, task, to, actor, f"转交{to}：{reason}" if reason else f"转交{to}")
    return _view_now(session, task)


def complete(session: Session, actor: Actor, key: int, completion: TaskCompletion) -> TaskView:
    """Record the answer and queue the completion; a second time raises ``TaskClosed``."""
    task = _find_open(session, actor, key)
    case = _lock_case(session, task)
    _require_not_taken(task, actor)
    schema = _schema(session, task)
    labels = dict(form.outcomes(schema))
    if completion.outcome not in labels:
        raise InvalidInput([FieldProblem("outcome", f"办理结果应为：{'、'.join(labels)}")])
    answer, problems = form.check_answer(schema, completion.values, completion.opinion)
    if problems:
        raise InvalidInput([FieldProblem(one.field, one.message) for one in problems])
    if case.case_state is CaseState.SPECIAL_OPEN and completion.outcome in MERITS:
        raise CasePaused()
    now = product_now(session)
    if task.clock is ClockShare.ACCEPTANCE and case.acceptance_due_at is not None and now > case.acceptance_due_at:
        raise TaskClosed("受理期限已过，视为受理")
    inspection.require_two_inspectors(answer.values)
    tolerance.check_answer(session, case, completion.outcome, answer.values)
    tolerance.require_supplied(case, completion.outcome)
    hearings.require_impartial(session, actor, task)
    session.add(
        Decision(
            task_key=task.key,
            case_no=case.case_no,
            process_id=task.process_id,
            element_id=task.element_id,
            task_name=task.name,
            account=actor.username,
            outcome=completion.outcome,
            outcome_label=labels[completion.outcome],
            opinion=completion.opinion.strip(),
            form_values=answer.values,
            decided_at=now,
        )
    )
    task.assignee = task.assignee or actor.username
    _close(session, task, TaskStatus.COMPLETING, now)
    timeline.add(
        session,
        case.case_no,
        "task.completed",
        _told(task.name, labels[completion.outcome], completion.opinion),
        actor=actor.username,
        at=now,
        key=f"task.completed:{task.key}",
    )
    audit.record(
        session,
        actor.username,
        "task.complete",
        case.case_no,
        {"task": task.key, "element": task.element_id, "outcome": completion.outcome},
        now,
    )
    outbox.complete_user_task(
        session,
        stream=case.case_no,
        key=task.key,
        variables={"outcome": completion.outcome, **answer.routing},
    )
    return _view_now(session, task)


def confirm(session: Session, task_key: int, at: datetime) -> None:
    """Take the engine's word that a task is completed, here or in another tool."""
    session.flush()
    named = {"of_task": task_key}
    connection = session.connection()
    if connection.execute(_CONFIRM_TASK, {**named, "at": at}).rowcount == 0:
        return
    connection.execute(_CONFIRM_DECISION, named)
    connection.execute(_CLOSE_CANDIDATES, named)
    session.expire_all()


def cancel(session: Session, task_key: int, at: datetime) -> None:
    """Take the engine's word that a task was left; an answer not yet carried out is overtaken."""
    task = session.get(Task, task_key)
    if task is None or task.status in (TaskStatus.COMPLETED, TaskStatus.CANCELED):
        return
    decision = _decision(session, task_key)
    if decision is not None and decision.status is DecisionStatus.RECORDED:
        decision.status = DecisionStatus.OVERTAKEN
        session.add(decision)
        timeline.add(
            session,
            decision.case_no,
            "task.overtaken",
            f"“{task.name}”的办理意见提交时，该环节已因到期或撤回而结束，意见未生效",
            actor=decision.account,
            at=at,
            key=f"task.overtaken:{task_key}",
        )
        audit.record(session, timeline.SYSTEM, "task.overtaken", decision.case_no, {"task": task_key}, at)
    _close(session, task, TaskStatus.CANCELED, at)


def view(task: Task, forms: dict[int, FormVersion], now: datetime) -> TaskView:
    """Return a task as lists show it."""
    deployed = forms.get(task.form_key) if task.form_key is not None else None
    return TaskView(
        id=str(task.key),
        case_no=task.case_no or "",
        element_id=task.element_id,
        process_id=task.process_id,
        name=task.name,
        item_name=task.item_name,
        area=task.area,
        candidate_groups=task.candidate_groups,
        assignee=task.assignee,
        created_at=task.created_at,
        due_at=task.due_at,
        provisional=task.provisional,
        light=task.light(now),
        form_id=deployed.form_id if deployed else None,
        outcomes=[
            OutcomeView(value=value, label=label)
            for value, label in form.outcomes(deployed.definition if deployed else None)
        ],
    )


def _view_now(session: Session, task: Task) -> TaskView:
    return view(task, _forms(session, [task]), product_now(session))


_OWN_KEYS: Any = task_queries.OWN.with_only_columns(col(Task.key)).limit(1000)
_COUNTED = task_queries.OF_GROUP.limit(1000)


def instant_of_cursor(text: str) -> datetime:
    """Return the instant a cursor names; raise ``InvalidInput`` for anything else."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput([FieldProblem("cursor", "游标无效")]) from error
    if moment.tzinfo is None or not 1900 < moment.year < NO_DUE.year + 1:
        raise InvalidInput([FieldProblem("cursor", "游标无效")])
    return moment


def _sort_value(task: Task, sort: str) -> datetime:
    return (task.due_at or NO_DUE) if sort == "due_at" else task.created_at


def _sort_key(task: Task, sort: str) -> tuple[float, int]:
    value = _sort_value(task, sort).timestamp()
    return (value, task.key) if sort == "due_at" else (-value, -task.key)


def _find(session: Session, key: int) -> Task:
    task = session.get(Task, key)
    if task is None or task.case_no is None:
        raise NotFound("没有这个任务", "No such task")
    return task


def _find_open(session: Session, actor: Actor, key: int) -> Task:
    task = _find(session, key)
    _require_candidate(task, actor)
    _require_open(session, task)
    return task


def _require_open(session: Session, task: Task) -> None:
    if task.is_open:
        return
    case = session.get(Case, task.case_no)
    recalled = case is not None and case.taken_over_at is not None and task.status is TaskStatus.CANCELED
    raise TaskClosed("权限已收回，办件已移交市级单位，意见未登记" if recalled else "")


def _lock_case(session: Session, task: Task) -> Case:
    """Return the task's case, locked until the answer is recorded, and look at the task again.

    A recall locks the case too: the answer comes before it and counts, or after it and is refused.
    """
    case = session.get_one(Case, task.case_no, with_for_update={"key_share": True}, populate_existing=True)
    if session.get_bind().dialect.name == "postgresql":
        session.refresh(task)
        _require_open(session, task)
    return case


def _require_candidate(task: Task, actor: Actor) -> None:
    if task.assignee != actor.username and not actor.groups & set(task.candidate_groups):
        raise Forbidden("该任务不属于您的岗位", "The task is not yours")


def _require_not_taken(task: Task, actor: Actor) -> None:
    if task.assignee is not None and task.assignee != actor.username:
        raise Forbidden(f"该任务已由{task.assignee}认领", "The task is claimed by somebody else")


def _assign(session: Session, task: Task, assignee: str | None, actor: Actor, text: str) -> None:
    now = product_now(session)
    task.assignee = assignee
    session.add(task)
    version = f"{now.timestamp():.6f}"
    outbox.assign_user_task(session, stream=task.case_no or "", key=task.key, assignee=assignee, version=version)
    audit.record(
        session,
        actor.username,
        "task.assign",
        task.case_no or "",
        {"task": task.key, "assignee": assignee},
        now,
    )
    timeline.add(
        session,
        task.case_no or "",
        "task.assigned",
        f"{task.name}：{text}",
        actor=actor.username,
        at=now,
        key=f"task.assigned:{task.key}:{version}",
    )


def _close(session: Session, task: Task, status: TaskStatus, at: datetime) -> None:
    task.status, task.is_open, task.closed_at = status, False, at
    session.add(task)
    session.flush()
    session.connection().execute(_CLOSE_CANDIDATES, {"of_task": task.key})


_TASK = Task.__table__  # type: ignore[attr-defined]
_DECISION = Decision.__table__  # type: ignore[attr-defined]
_CANDIDATE = TaskCandidate.__table__  # type: ignore[attr-defined]
_CONFIRM_TASK = (
    update(_TASK)
    .where(_TASK.c.key == bindparam("of_task"), _TASK.c.status.not_in((TaskStatus.COMPLETED, TaskStatus.CANCELED)))
    .values(
        status=TaskStatus.COMPLETED,
        is_open=False,
        closed_at=func.coalesce(_TASK.c.closed_at, bindparam("at", type_=_TASK.c.closed_at.type)),
    )
)
_CONFIRM_DECISION = (
    update(_DECISION).where(_DECISION.c.task_key == bindparam("of_task")).values(status=DecisionStatus.CONFIRMED)
)
_CLOSE_CANDIDATES = (
    update(_CANDIDATE).where(_CANDIDATE.c.task_key == bindparam("of_task"), _CANDIDATE.c.is_open).values(is_open=False)
)


def _decision(session: Session, task_key: int) -> Decision | None:
    return session.exec(select(Decision).where(Decision.task_key == task_key)).first()


def _forms(session: Session, rows: Iterable[Task]) -> dict[int, FormVersion]:
    return _deployed_forms.among(session, {task.form_key for task in rows if task.form_key is not None})


def _read_forms(session: Session, keys: Collection[int]) -> dict[int, FormVersion]:
    found = session.exec(select(FormVersion).where(col(FormVersion.form_key).in_(keys))).all()
    for one in found:
        session.expunge(one)
    return {one.form_key: one for one in found}


_deployed_forms = Kept(_read_forms)
"""Every list asks for the outcomes of its tasks' forms."""


def _schema(session: Session, task: Task) -> dict[str, Any] | None:
    deployed = _forms(session, [task]).get(task.form_key) if task.form_key is not None else None
    return deployed.definition if deployed is not None else None


def _form_data(session: Session, task: Task) -> dict[str, Any]:
    """Return what a form may show: the case's public facts, the applicant masked."""
    case = session.get_one(Case, task.case_no)
    applicant = session.get(Applicant, task.case_no)
    return {
        "caseNo": case.case_no,
        "itemName": case.item_name,
        "project": case.project,
        "applicantName": masked_name(applicant.name) if applicant else "",
    }


def _told(name: str, outcome: str, opinion: str) -> str:
    return f"{name}：{outcome}。{opinion.strip()}" if opinion.strip() else f"{name}：{outcome}"
