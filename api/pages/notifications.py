"""Notifications (提醒): reminders and supervision to the visitor's groups, and the count in the navigation."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.pages.rendering import render, render_changed
from api.pages.routing import PageRoute, see
from api.pages.visitors import CurrentVisitor, GuardedForm, PageDatabase, RowKey
from services.notifications import inbox

PAGE_SIZE: Final = 50

router = APIRouter(route_class=PageRoute)


@router.get("/notices")
def show_notices(
    request: Request, visitor: CurrentVisitor, database: PageDatabase, cursor: str = "", unread: str = ""
) -> Response:
    """List the notifications, newest first."""
    with database.reading() as session:
        page = inbox.list_notifications(
            session, visitor.actor, unread=bool(unread), cursor=cursor or None, limit=PAGE_SIZE
        )
    return render(request, "notifications/list.html", {"page": page, "unread": bool(unread), "first": not cursor})


@router.get("/notices/count")
def count_notices(request: Request, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Tell how many are unread, for the navigation."""
    with database.reading() as session:
        count = inbox.count_unread(session, visitor.actor)
    return render_changed(request, "notifications/_count.html", {"count": count, "most": inbox.COUNTED})


@router.post("/notices/{notice_id}/read")
def read_notice(notice_id: RowKey, visitor: CurrentVisitor, _form: GuardedForm, database: PageDatabase) -> Response:
    """Mark one as read and go to what it is about."""
    with database.transaction() as session:
        notice = inbox.mark_read(session, visitor.actor, notice_id)
    return see(notice.link)


@router.post("/notices/read")
def read_all(visitor: CurrentVisitor, _form: GuardedForm, database: PageDatabase) -> Response:
    """Mark all as read."""
    with database.transaction() as session:
        inbox.mark_all_read(session, visitor.actor)
    return see("/notices")
