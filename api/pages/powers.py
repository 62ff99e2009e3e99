"""What the pages on delegated powers share: who may come in, and the notice to announce."""

from fastapi import Request

from api.pages import words
from api.pages.visitors import Visitor, require


def require_staff(visitor: Visitor) -> None:
    """Refuse whoever has nothing to do with cases."""
    require(lambda who: who.handles_cases, visitor)


def notice_of(request: Request) -> str | None:
    """Return the sentence a redirect asked the page to announce."""
    return words.NOTICES.get(request.query_params.get("notice", ""))
