"""The security administrator's work (岗位授权): who holds which posts, and whose sessions end."""

from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from api.pages import words
from api.pages.accounts import PAGE_SIZE, STATES
from api.pages.addresses import query_of
from api.pages.rendering import render
from api.pages.routing import PageRoute, see
from api.pages.visitors import CurrentVisitor, GuardedForm, PageDatabase, Visitor, require, text_of
from models.database import Database
from models.group import Group, Scope
from services.accounts import administration, memberships, password_policy, posts
from services.accounts.administration import AccountState
from services.errors import Conflict, FieldProblem, InvalidInput
from services.tasks import departures
from settings import PasswordPolicy, get_settings

PATH: Final = "/admin/memberships"
POLICIES: Final = {PasswordPolicy.ASVS: "OWASP ASVS", PasswordPolicy.MLPS: "等保三级"}

router = APIRouter(route_class=PageRoute)

Username = Annotated[str, Path(max_length=200)]


@dataclass(frozen=True)
class Place:
    """An area, a city unit or the offices, with the posts there: each a group's name and what it is called."""

    name: str
    posts: list[tuple[str, str]]
    held: int


@router.get("/admin/memberships")
def show_people(
    request: Request,
    visitor: CurrentVisitor,
    database: PageDatabase,
    q: Annotated[str, Query(max_length=100)] = "",
    group: Annotated[str, Query(max_length=128)] = "",
    state: str = "",
    cursor: str | None = None,
) -> Response:
    """List the people with their posts."""
    require(_secures, visitor)
    wanted = AccountState(state) if state in set(AccountState) else None
    with database.reading() as session:
        named = posts.every_post(session)
        page = administration.accounts(
            session,
            visitor.actor,
            q=q.strip() or None,
            group=group or None,
            state=wanted,
            cursor=cursor or None,
            limit=PAGE_SIZE,
        )
    chosen = {
        "q": q.strip(),
        "group": group,
        "state": wanted.value if wanted else "",
        "cursor": page.next or "",
    }
    settings = get_settings()
    context = {
        **chosen,
        "page": page,
        "posts": named,
        "states": STATES,
        "filtered": bool(q.strip() or group or wanted),
        "first": not cursor,
        "next_link": query_of(chosen),
        "policy": POLICIES[settings.password_policy],
        "length": password_policy.MINIMUM_LENGTH,
        "idle_minutes": round(settings.session_idle.total_seconds() / 60),
        "session_hours": settings.session_hours,
    }
    return render(request, "accounts/people.html", context)


@router.get("/admin/memberships/{username}")
def show_person(
    request: Request, username: Username, visitor: CurrentVisitor, database: PageDatabase, notice: str = ""
) -> Response:
    """Show one person's posts and every other there is."""
    return _person(request, database, visitor, username, notice=notice)


@router.post("/admin/memberships/{username}")
def set_memberships(
    request: Request, username: Username, visitor: CurrentVisitor, form: GuardedForm, database: PageDatabase
) -> Response:
    """Give the person exactly the posts that were ticked."""
    require(_secures, visitor)
    groups = [str(one) for one in form.getlist("groups")][: memberships.MOST_GROUPS]
    reason = text_of(form, "reason")
    try:
        with database.transaction() as session:
            departures.set_memberships(session, visitor.actor, username, groups, reason)
    except InvalidInput as error:
        return _person(request, database, visitor, username, problems=error.problems, ticked=groups, reason=reason)
    except Conflict as error:
        refused = [FieldProblem("groups", error.message)]
        return _person(
            request, database, visitor, username, problems=refused, ticked=groups, reason=reason, status=error.status
        )
    return see(f"{PATH}/{quote(username, safe='')}", "memberships_changed")


@router.post("/admin/memberships/{username}/end-sessions")
def end_sessions(username: Username, visitor: CurrentVisitor, _form: GuardedForm, database: PageDatabase) -> Response:
    """End every session of the person."""
    with database.transaction() as session:
        memberships.end_sessions_of(session, visitor.actor, username)
    return see(f"{PATH}/{quote(username, safe='')}", "sessions_ended")


def _person(
    request: Request,
    database: Database,
    visitor: Visitor,
    username: str,
    *,
    notice: str = "",
    problems: list[FieldProblem] | None = None,
    ticked: list[str] | None = None,
    reason: str = "",
    status: int = 422,
) -> Response:
    require(_secures, visitor)
    with database.reading() as session:
        person = administration.account(session, visitor.actor, username)
        named = posts.every_post(session)
    chosen = set(person.groups if ticked is None else ticked)
    context = {
        "person": person,
        "places": _places(visitor, named, chosen),
        "posts": named,
        "ticked": chosen,
        "reason": reason,
        "errors": {one.field: one.message for one in problems or []},
        "notice": words.NOTICES.get(notice, ""),
    }
    return render(request, "accounts/person.html", context, status if problems else 200)


def _places(visitor: Visitor, named: dict[str, str], chosen: set[str]) -> list[Place]:
    """Return every post under its place: those with a chosen one first, then offices, city units and areas."""
    places: dict[str, list[tuple[str, str]]] = {}
    for name in sorted(named, key=_floor):
        group = Group.parse(name)
        match group:
            case Group(scope=Scope.AREA, area=str(area)):
                place = visitor.areas.get(area, area)
            case Group(scope=Scope.CITY, unit=str(unit)):
                place = visitor.units.get(unit, unit)
            case _:
                place = "全市和管理员"
        places.setdefault(place, []).append((name, named[name].removeprefix(place)))
    rows = [Place(place, found, sum(group in chosen for group, _ in found)) for place, found in places.items()]
    return sorted(rows, key=lambda one: not one.held)


def _floor(name: str) -> int:
    group = Group.parse(name)
    if group.scope is Scope.AREA:
        return 2
    return 0 if group.unit is None else 1


def _secures(visitor: Visitor) -> bool:
    return visitor.secures
