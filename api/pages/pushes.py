"""The ledger of supervision (审管台账), and the page of one push with what its supervisor and approver may do."""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api.downloads import pdf_named
from api.pages import words
from api.pages.addresses import query_of
from api.pages.rendering import render
from api.pages.routing import PageRoute, see
from api.pages.visitors import CurrentVisitor, GuardedForm, PageDatabase, RowKey, Visitor, text_of
from models.database import Database
from models.supervision import FEEDBACK_LABELS, FeedbackKind
from services.accounts import supervision_rights
from services.errors import FieldProblem, InvalidInput
from services.paging import Page
from services.supervision import letters, push_feedback, push_ledger
from services.supervision.push_ledger import LedgerFigures, PushDetail, PushState, PushView

PAGE_SIZE: Final = 30
STATES: Final = {
    PushState.WAITING: "待认领",
    PushState.OVERDUE: "逾期未认领",
    PushState.ESCALATED: "已报市级协调",
    PushState.CLAIMED: "已认领",
    PushState.FEEDBACK: "有反馈",
    PushState.UNANSWERED: "待答复",
    PushState.ANSWERED: "已答复",
    PushState.LATE: "超期推送",
}

router = APIRouter(route_class=PageRoute)


@dataclass(frozen=True)
class LedgerContext:
    """What the ledger shows and how it was filtered."""

    page: Page[PushView]
    figures: LedgerFigures
    state: str
    area: str
    item: str
    case_no: str
    first: bool

    def link(self, **changes: str) -> str:
        """Return the address of this list with some filters changed."""
        chosen = {"state": self.state, "area": self.area, "item": self.item, "case_no": self.case_no, **changes}
        return "/supervision" + query_of(chosen)


@router.get("/supervision")
def show_ledger(
    request: Request,
    visitor: CurrentVisitor,
    database: PageDatabase,
    state: str = "",
    area: str = "",
    item: Annotated[str, Query(max_length=16)] = "",
    case_no: Annotated[str, Query(max_length=32)] = "",
    cursor: str | None = None,
) -> Response:
    """List the pushes the visitor may see; a filter that makes no sense is ignored."""
    wanted = PushState(state) if state in set(PushState) else None
    chosen_area = area if area in visitor.areas else ""
    with database.reading() as session:
        page = push_ledger.list_pushes(
            session,
            visitor.actor,
            state=wanted,
            area=chosen_area or None,
            item=item.strip().upper() or None,
            case_no=case_no.strip() or None,
            cursor=cursor or None,
            limit=PAGE_SIZE,
        )
        figures = push_ledger.figures(session, visitor.actor)
    context = LedgerContext(
        page, figures, wanted.value if wanted else "", chosen_area, item.strip(), case_no.strip(), first=not cursor
    )
    return render(request, "supervision/pushes.html", {"list": context, "states": STATES, "kinds": FEEDBACK_LABELS})


@router.get("/supervision/count")
def count_waiting(request: Request, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Return the badge of the menu: the pushes the visitor has yet to claim or answer."""
    with database.reading() as session:
        count = push_ledger.count_waiting(session, visitor.actor)
    return render(request, "notifications/_count.html", {"count": count, "most": push_ledger.COUNTED})


@router.get("/supervision/{key}")
def show_push(
    request: Request, key: RowKey, visitor: CurrentVisitor, database: PageDatabase, notice: str = ""
) -> Response:
    """Show one push (审管信息推送单) and its feedback."""
    return _push_page(request, database, visitor, key, notice=notice)


@router.get("/supervision/{key}/sheet")
def show_sheet(key: RowKey, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Return the push as a paper; naming the applicant leaves an audit entry."""
    with database.transaction() as session:
        sheet = letters.draw_push_sheet(session, visitor.actor, key)
    return pdf_named(sheet, f"push-{key}.pdf", f"审管信息推送单-{key}.pdf")


@router.post("/supervision/{key}/claim")
def claim(key: RowKey, visitor: CurrentVisitor, _form: GuardedForm, database: PageDatabase) -> Response:
    """Take the push over."""
    with database.transaction() as session:
        push_feedback.claim(session, visitor.actor, key)
    return see(f"/supervision/{key}", "push_claimed")


@router.post("/supervision/{key}/read")
def read_feedback(key: RowKey, visitor: CurrentVisitor, _form: GuardedForm, database: PageDatabase) -> Response:
    """Note that the approver has read the feedback."""
    with database.transaction() as session:
        push_feedback.read_feedback(session, visitor.actor, key)
    return see(f"/supervision/{key}", "feedback_read")


@router.post("/supervision/{key}/feedback")
def give_feedback(
    request: Request, key: RowKey, visitor: CurrentVisitor, form: GuardedForm, database: PageDatabase
) -> Response:
    """Return a result of supervision to the approver."""
    kind, text = text_of(form, "kind"), text_of(form, "text")
    try:
        if kind not in set(FeedbackKind):
            raise InvalidInput([FieldProblem("kind", "请选择反馈类型")])
        with database.transaction() as session:
            push_feedback.give_feedback(session, visitor.actor, key, FeedbackKind(kind), text)
    except InvalidInput as error:
        return _push_page(request, database, visitor, key, problems=error.problems)
    return see(f"/supervision/{key}", "feedback_given")


@router.post("/supervision/{key}/answer")
def answer(
    request: Request, key: RowKey, visitor: CurrentVisitor, form: GuardedForm, database: PageDatabase
) -> Response:
    """Answer the feedback as the approver."""
    try:
        with database.transaction() as session:
            push_feedback.answer(session, visitor.actor, key, text_of(form, "text"))
    except InvalidInput as error:
        return _push_page(request, database, visitor, key, problems=error.problems)
    return see(f"/supervision/{key}", "feedback_answered")


@router.post("/supervision/{key}/feedback/{feedback}/lift")
def lift(
    key: RowKey, feedback: RowKey, visitor: CurrentVisitor, _form: GuardedForm, database: PageDatabase
) -> Response:
    """End a restriction."""
    with database.transaction() as session:
        push_feedback.lift(session, visitor.actor, key, feedback)
    return see(f"/supervision/{key}", "restriction_lifted")


def _push_page(
    request: Request,
    database: Database,
    visitor: Visitor,
    key: int,
    *,
    notice: str = "",
    problems: list[FieldProblem] | None = None,
) -> Response:
    with database.transaction() as session:
        push = push_ledger.get_push(session, visitor.actor, key)
    answers = supervision_rights.answers_feedback(visitor.actor, push.approver_group)
    context = {
        "push": push,
        "kinds": FEEDBACK_LABELS,
        "supervises": supervision_rights.supervises(visitor.actor, push.to),
        "answers": answers and _unanswered(push),
        "unread": answers and any(one.read_at is None for one in push.feedbacks),
        "notice": words.NOTICES.get(notice, ""),
        "errors": {one.field: one.message for one in problems or []},
    }
    return render(request, "supervision/push.html", context, 422 if problems else 200)


def _unanswered(push: PushDetail) -> bool:
    return any(one.answered_at is None for one in push.feedbacks)
