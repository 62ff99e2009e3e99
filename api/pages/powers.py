"""What the pages on delegated powers share: who may open them, and the notice to announce."""

from fastapi import Request
from starlette.datastructures import FormData

from api.pages import words
from api.pages.visitors import text_of
from services.errors import FieldProblem, InvalidInput


def reason_of(form: FormData, name: str = "reason") -> str:
    """Return the reason an act must have; raise ``InvalidInput`` where it is left empty."""
    reason = text_of(form, name)
    if not reason:
        raise InvalidInput([FieldProblem(name, "请填写理由")])
    return reason


def notice_of(request: Request) -> str | None:
    """Return the sentence a redirect asked the page to announce."""
    return words.NOTICES.get(request.query_params.get("notice", ""))
