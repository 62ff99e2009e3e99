"""Write commands for the engine in the transaction that decided them; ``bridge/relay.py`` sends them."""

from typing import Any

from sqlalchemy import bindparam
from sqlmodel import Session, select

from models.outbox import OutboxCommand, OutboxKind
from models.protocol import CONTROL_TTL_MS, Message
from services.clock import machine_now


def publish_message(
    session: Session,
    message: Message,
    *,
    stream: str,
    correlation_key: str,
    message_id: str,
    variables: dict[str, Any] | None = None,
    time_to_live_ms: int = CONTROL_TTL_MS,
) -> None:
    """Queue a message; ``message_id`` makes the engine refuse a second one while the first is kept."""
    _queue(
        session,
        OutboxKind.PUBLISH_MESSAGE,
        stream,
        _message_key(message, message_id),
        {
            "name": message.value,
            "correlation_key": correlation_key,
            "variables": variables or {},
            "time_to_live_ms": time_to_live_ms,
            "message_id": message_id,
        },
    )


_QUEUED = select(OutboxCommand.id).where(OutboxCommand.natural_key == bindparam("key"))


def is_queued(session: Session, message: Message, message_id: str) -> bool:
    """Tell whether a message was queued before, sent or not."""
    return session.exec(_QUEUED, params={"key": _message_key(message, message_id)}).first() is not None


def find_message(session: Session, message: Message, message_id: str) -> OutboxCommand | None:
    """Return the command that queued a message, or None."""
    key = _message_key(message, message_id)
    return session.exec(select(OutboxCommand).where(OutboxCommand.natural_key == key)).first()


def attempt_id(message_id: str, attempt: int) -> str:
    """Return the message id of a repeated attempt: the engine would refuse the first id a second time."""
    return f"{message_id}:{attempt}" if attempt else message_id


def last_attempt(session: Session, message: Message, message_id: str) -> tuple[int, OutboxCommand | None]:
    """Return the number of a message's latest repetition, 0 for the first sending, and its command, if there is one."""
    attempt, last = 0, find_message(session, message, message_id)
    while last is not None:
        following = find_message(session, message, attempt_id(message_id, attempt + 1))
        if following is None:
            break
        attempt, last = attempt + 1, following
    return attempt, last


def complete_user_task(session: Session, *, stream: str, key: int, variables: dict[str, Any]) -> None:
    """Queue the completion of a user task, once per task."""
    _queue(
        session,
        OutboxKind.COMPLETE_USER_TASK,
        stream,
        f"complete:{key}",
        {"key": key, "variables": variables},
    )


def assign_user_task(session: Session, *, stream: str, key: int, assignee: str | None, version: str) -> None:
    """Queue a claim (or, with ``None``, a release) for the engine; ``version`` tells one claim from the next."""
    _queue(
        session,
        OutboxKind.ASSIGN_USER_TASK,
        stream,
        f"assign:{key}:{version}",
        {"key": key, "assignee": assignee},
    )


def update_user_task(session: Session, *, stream: str, key: int, candidate_groups: list[str], version: str) -> None:
    """Queue a user task's new candidate groups; ``version`` tells one change from the next."""
    payload = {"key": key, "candidate_groups": candidate_groups}
    _queue(session, OutboxKind.UPDATE_USER_TASK, stream, f"update:{key}:{version}", payload)


def set_variables(session: Session, *, stream: str, key: int, variables: dict[str, Any], version: str) -> None:
    """Queue new values of a running instance's variables, which its later steps read."""
    payload = {"key": key, "variables": variables}
    _queue(session, OutboxKind.SET_VARIABLES, stream, f"variables:{key}:{version}", payload)


def retry_incident(session: Session, *, stream: str, key: int, job_key: int | None, version: str) -> None:
    """Queue giving an incident's job new retries and resolving the incident."""
    _queue(session, OutboxKind.RETRY_INCIDENT, stream, f"retry:{key}:{version}", {"key": key, "job_key": job_key})


def move_instance(
    session: Session,
    *,
    stream: str,
    key: int,
    activate: dict[str, dict[str, Any]],
    terminate: list[int],
    variables: dict[str, Any],
    version: str,
) -> str:
    """Queue moving a running instance to other elements and return the command's natural key.

    ``activate`` names the elements with their local variables, ``terminate`` the element instances it leaves;
    ``variables`` are the instance's own.
    """
    payload = {"key": key, "activate": activate, "terminate": terminate, "variables": variables}
    natural_key = f"move:{key}:{version}"
    _queue(session, OutboxKind.MOVE_INSTANCE, stream, natural_key, payload)
    return natural_key


def message_command(message: Message, message_id: str) -> str:
    """Return the natural key of the command that sends a message."""
    return _message_key(message, message_id)


def _message_key(message: Message, message_id: str) -> str:
    return f"message:{message.value}:{message_id}"


def _queue(session: Session, kind: OutboxKind, stream: str, natural_key: str, payload: dict[str, Any]) -> None:
    now = machine_now()
    session.add(
        OutboxCommand(
            kind=kind,
            stream=stream,
            natural_key=natural_key,
            payload=payload,
            created_at=now,
            available_at=now,
        )
    )
