"""The cases in flight when a power is recalled or passes to another county unit: which they are, and how far."""

from collections.abc import Sequence

from sqlmodel import Session, col, select

from models.case import Case


class NotYetDue(Exception):
    """A job came before the day it is about, by a clock a little behind the engine's; it is to come again."""


def of_item(session: Session, item: str, area: str, *, locked: bool = False) -> Sequence[Case]:
    """Return an area's open cases of an item; ``locked`` keeps every other transaction from changing them."""
    query = select(Case).where(Case.item_code == item, Case.area == area, col(Case.is_open))
    query = query.order_by(col(Case.received_at), col(Case.case_no))
    if locked:
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    return session.exec(query).all()
