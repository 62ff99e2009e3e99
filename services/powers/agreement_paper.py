"""The takeover agreement (承接协议) drawn as a paper, from the terms both sides signed."""

from datetime import datetime
from typing import Any

from sqlmodel import Session

from models.account import Account
from models.agreement import Agreement
from models.database import CHINA
from papers import render_pdf
from papers.powers import AgreementFact, SideFact, agreement
from services.catalogue import in_force, reference
from services.clock import product_now
from services.errors import NotFound
from settings import get_settings


def draw(session: Session, agreement_id: int) -> bytes:
    """Return an agreement as PDF, a draft marked as one; raise ``NotFound``."""
    found = session.get(Agreement, agreement_id)
    if found is None:
        raise NotFound("没有这份承接协议", "No such agreement")
    today = product_now(session).astimezone(CHINA).date()
    items = [in_force.find_item_or_latest(session, code, found.in_force_from) for code in found.items]
    area = reference.area(session, found.area)
    return render_pdf(
        agreement(
            AgreementFact(
                number=agreement_id,
                state=found.state_on(today).label,
                city=_side(session, reference.city_organ(session, found.unit), found.city_signature),
                county=_side(session, area.name if area else found.area, found.county_signature),
                items=tuple((one.code, one.full_name) for one in items if one is not None),
                procedure=found.procedure,
                in_force_from=found.in_force_from,
                drafted_on=found.created_at.astimezone(CHINA).date(),
                digest=found.digest(),
                sample=get_settings().development,
            )
        )
    )


def _side(session: Session, name: str, signature: dict[str, Any] | None) -> SideFact:
    if signature is None:
        return SideFact(name)
    account = session.get(Account, signature["account"])
    return SideFact(
        name=name,
        signed_by=account.display_name if account is not None else str(signature["account"]),
        signed_at=datetime.fromisoformat(str(signature["at"])).astimezone(CHINA),
    )
