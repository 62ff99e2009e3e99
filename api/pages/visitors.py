"""Who visits a page: the session cookie, the sign-in it stands for, and the guard against forged requests."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, Final, cast

from fastapi import Depends, Path, Request
from sqlmodel import Session
from starlette.datastructures import FormData

from api import nul
from api.admission import note_use
from api.pages.words import ROLES
from models.account import SignInMethod
from models.database import Database
from models.group import Group
from services.accounts import people, rights, sessions, system_rights
from services.accounts.actors import Actor
from services.accounts.own_account import PasswordChangeRequired
from services.accounts.sessions import SignIn
from services.catalogue.in_force import areas as all_areas
from services.catalogue.in_force import units as all_units
from services.clock import product_now
from services.errors import Forbidden, Unauthenticated

SESSION_COOKIE: Final = "tongquan_session"
CSRF_FIELD: Final = "csrf"
CSRF_HEADER: Final = "X-CSRF-Token"


class ForgedRequest(Forbidden):
    """The form's secret is missing or another session's (CSRF)."""

    code = "csrf_failed"
    title, title_en = "页面已过期，请返回重新打开后再提交", "The form's token is missing or stale"


def _nobody(_username: str) -> None:
    return None


@dataclass(frozen=True)
class Visitor:
    """A signed-in person as pages know them, with the names of places and the product's time."""

    actor: Actor
    csrf: str
    token: str
    now: datetime
    areas: dict[str, str]
    units: dict[str, str]
    password_change_due: bool = False
    method: SignInMethod = SignInMethod.PASSWORD
    name_of: Callable[[str], str | None] = _nobody

    @cached_property
    def window_areas(self) -> list[str]:
        """Return the areas at whose window the visitor may hand in cases."""
        return [area for area in self.areas if rights.may_submit(self.actor, area)]

    @property
    def administers(self) -> bool:
        """Tell whether the visitor is the system administrator."""
        return system_rights.may_administer(self.actor)

    @property
    def reads_setup(self) -> bool:
        """Tell whether the visitor may read catalogue and calendar."""
        return system_rights.may_read_setup(self.actor)

    @property
    def secures(self) -> bool:
        """Tell whether the visitor is the security administrator, who is notified of what happens at sign-in."""
        return system_rights.may_secure(self.actor)

    @property
    def audits(self) -> bool:
        """Tell whether the visitor is the audit administrator."""
        return system_rights.is_auditor(self.actor)

    @property
    def start(self) -> str | None:
        """Return the page with the visitor's work; None for the task list, which is everybody else's."""
        if self.handles_cases:
            return None
        offices = ((self.administers, "/admin/accounts"), (self.secures, "/admin/memberships"))
        return next((path for holds, path in offices if holds), "/admin/audit" if self.audits else "/account")

    @cached_property
    def handles_cases(self) -> bool:
        """Tell whether the visitor has anything to do with cases; an administrator has not."""
        return rights.works_on_cases(self.actor)

    def group_name(self, name: str) -> str:
        """Return a group's name for people: 兴国县综合窗口 for ``xingguo.window``."""
        try:
            group = Group.parse(name)
        except ValueError:
            return name
        place = self.areas.get(group.area or "", "") + self.units.get(group.unit or "", group.unit or "")
        return f"{place}{ROLES[group.role]}"

    def person(self, username: str | None) -> str:
        """Return how an account is shown: 本人, its group's name where it is named like one, else the person's."""
        if not username:
            return "—"
        if username == self.actor.username:
            return "本人"
        named = self.group_name(username)
        return named if named != username else self.name_of(username) or username


def database_of(request: Request) -> Database:
    """Return the application's database."""
    return cast(Database, request.app.state.database)


def any_visitor(request: Request) -> Visitor:
    """Return who is signed in, whether or not the password is due for a change, or raise ``Unauthenticated``."""
    token = request.cookies.get(SESSION_COOKIE)
    if not token:
        raise Unauthenticated
    database = database_of(request)
    with database.reading() as session:
        signed_in = sessions.resume(session, token)
        visitor = _visitor(session, signed_in, database)
    note_use(database, signed_in)
    request.state.visitor = visitor
    return visitor


def current_visitor(visitor: Annotated[Visitor, Depends(any_visitor)]) -> Visitor:
    """Return who is signed in and may go on, or raise ``PasswordChangeRequired``."""
    if visitor.password_change_due:
        raise PasswordChangeRequired
    return visitor


def staff_alone(visitor: Annotated[Visitor, Depends(current_visitor)]) -> None:
    """Refuse an administrator: the page is about cases or delegated powers, as ``StaffRoute`` is in the API."""
    rights.require_work_on_cases(visitor.actor)


def readers_of_setup(visitor: Annotated[Visitor, Depends(current_visitor)]) -> None:
    """Refuse everyone but the staff and the system administrator, as ``SetupRoute`` does in the API."""
    system_rights.require_read_setup(visitor.actor)


def _visitor(session: Session, signed_in: SignIn, database: Database) -> Visitor:
    def name_of(username: str) -> str | None:
        with database.reading() as reader:
            return people.display_name(reader, username)

    return Visitor(
        actor=signed_in.actor,
        csrf=signed_in.csrf,
        token=signed_in.token,
        now=product_now(session),
        areas={area.code: area.name for area in all_areas(session)},
        units={unit.code: unit.name for unit in all_units(session)},
        password_change_due=signed_in.password_change_due,
        method=signed_in.method,
        name_of=name_of,
    )


async def sent_form(request: Request) -> FormData:
    """Read the posted form; files are not taken."""
    return await request.form(max_files=0)


def guarded_form(
    request: Request,
    visitor: Annotated[Visitor, Depends(current_visitor)],
    form: Annotated[FormData, Depends(sent_form)],
) -> FormData:
    """Return the posted form of the visitor's own page, or raise ``ForgedRequest``."""
    return _guarded(request, visitor, form)


def own_password_form(
    request: Request,
    visitor: Annotated[Visitor, Depends(any_visitor)],
    form: Annotated[FormData, Depends(sent_form)],
) -> FormData:
    """Return what ``guarded_form`` does, of a visitor whose password is due for a change too."""
    return _guarded(request, visitor, form)


def require_own_page(request: Request, visitor: Visitor, given: str = "") -> None:
    """Raise ``ForgedRequest`` unless the request carries its page's secret, in the header or as ``given``."""
    given = request.headers.get(CSRF_HEADER) or given
    if not hmac.compare_digest(given.encode(), visitor.csrf.encode()):
        raise ForgedRequest


def _guarded(request: Request, visitor: Visitor, form: FormData) -> FormData:
    require_own_page(request, visitor, str(form.get(CSRF_FIELD, "")))
    nul.refuse_in_form(form)
    return form


AnyVisitor = Annotated[Visitor, Depends(any_visitor)]
OwnPasswordForm = Annotated[FormData, Depends(own_password_form)]
CurrentVisitor = Annotated[Visitor, Depends(current_visitor)]
GuardedForm = Annotated[FormData, Depends(guarded_form)]
RowKey = Annotated[int, Path(ge=0, le=2**63 - 1)]
"""A key in an address; one that no database can hold is treated as unknown."""
PageDatabase = Annotated[Database, Depends(database_of)]


def text_of(form: FormData, name: str) -> str:
    """Return a field as trimmed text, empty when it is absent."""
    value: Any = form.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def require(allowed: Callable[[Visitor], bool], visitor: Visitor) -> None:
    """Raise ``Forbidden`` unless ``allowed`` holds for the visitor."""
    if not allowed(visitor):
        raise Forbidden
