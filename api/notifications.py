"""Notifications (催办, 督办) to the caller's groups."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from api.dependencies import Caller, Code, Cursor, Limit, WebDatabase, engine_key
from api.problems import documented
from api.routing import API_BASE, AccountRoute
from services.notifications import inbox
from services.notifications.inbox import NotificationView
from services.paging import Page

router = APIRouter(prefix=API_BASE, route_class=AccountRoute, tags=["notices"])


@router.get("/notices", responses=documented(401, 422))
def list_notices(
    caller: Caller,
    database: WebDatabase,
    unread: Annotated[bool, Query(description="Only those the account has not read.")] = False,
    case_no: Code = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[NotificationView]:
    """List the notifications to the account's groups, newest first."""
    with database.reading() as session:
        return inbox.list_notifications(
            session, caller, unread=unread, case_no=case_no or None, cursor=cursor or None, limit=limit
        )


@router.post("/notices/{notice_id}/read", responses=documented(401, 403, 404))
def read_notice(
    notice_id: Annotated[str, Path(max_length=200)], caller: Caller, database: WebDatabase
) -> NotificationView:
    """Record that the account has read a notification."""
    with database.transaction() as session:
        return inbox.mark_read(session, caller, engine_key(notice_id))
