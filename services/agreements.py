"""Takeover agreements (承接协议): which ``substantive`` items an area may exercise."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlmodel import Session, select

from models.agreement import Agreement, AgreementState

DEMO_PROCEDURE = (
    "按《审核审批程序（示例）》执行：县级受理、实质性审核、首席代表签发转报，市级审批并加盖市级审批专用章。"
)


def in_force(session: Session, on: date) -> set[tuple[str, str]]:
    """Return every (area, item code) with an agreement in force on ``on``."""
    signed = session.exec(select(Agreement).where(Agreement.state == AgreementState.SIGNED)).all()
    return {(one.area, item) for one in signed if one.in_force(on) for item in one.items}


def covers(session: Session, area: str, item: str, on: date) -> bool:
    """Tell whether ``area`` has an agreement in force for ``item``."""
    signed = session.exec(
        select(Agreement).where(Agreement.area == area, Agreement.state == AgreementState.SIGNED)
    ).all()
    return any(one.in_force(on) and item in one.items for one in signed)


def seed_demo_agreements(
    session: Session,
    areas: Sequence[str],
    items_by_unit: dict[str, list[str]],
    in_force_from: date,
    at: datetime,
) -> None:
    """Put agreements in force for a few areas in development, so that the lock is seen in the others."""
    if session.exec(select(Agreement.id)).first() is not None:
        return
    for area in areas:
        for unit, items in sorted(items_by_unit.items()):
            session.add(
                Agreement(
                    area=area,
                    unit=unit,
                    items=items,
                    procedure=DEMO_PROCEDURE,
                    in_force_from=in_force_from,
                    state=AgreementState.SIGNED,
                    city_signature={"account": f"city.{unit}.approver", "at": at.isoformat()},
                    county_signature={"account": f"{area}.approver", "at": at.isoformat()},
                    created_by="city.coordinator",
                    created_at=at,
                )
            )
