"""Limits on guessing the codes of public look-ups: query codes (查询码) and certificate numbers.

Wrong ones count against the address; right ones count for nothing. Those for one case count against the case too:
when its code is guessed from many addresses, an address that has failed there before must wait, any other is served.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from models.database import Database
from services.errors import NotFound, TooManyRequests
from services.rate_limits import RateLimits
from settings import get_settings

_FAILED_THERE: Final = "1/hour"


@contextmanager
def guesses_limited(database: Database, origin: str, case_no: str | None = None) -> Iterator[None]:
    """Allow one look-up; its ``NotFound`` is counted.

    Raises ``TooManyRequests`` before it when the address, or the case, has had too many.
    """
    settings = get_settings()
    with database.reading() as session:
        limits = RateLimits(session)
        wait = limits.wait(settings.public_address_limit, "public-from", origin)
        if case_no is not None and limits.wait(_FAILED_THERE, "public-case-from", case_no, origin):
            wait = max(wait, limits.wait(settings.public_case_limit, "public-case", case_no))
    if wait:
        raise TooManyRequests(wait, "查询过于频繁，请稍后再试", "Too many wrong codes or numbers; try again later")
    try:
        yield
    except NotFound:
        with database.transaction() as session:
            limits = RateLimits(session)
            limits.note(settings.public_address_limit, "public-from", origin)
            if case_no is not None:
                limits.note(settings.public_case_limit, "public-case", case_no)
                limits.note(_FAILED_THERE, "public-case-from", case_no, origin)
        raise
