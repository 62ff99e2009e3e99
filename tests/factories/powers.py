"""What tests of delegated powers start from: a seeded database, accounts named like their group, and cases."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session

from models.case import Applicant, ApplicantKind, Case, CaseState, IdentityType
from models.catalogue import Mode
from services.accounts.actors import Actor
from services.clock import product_now
from tests.databases import Databases, new
from tests.factories.cases import build_case


def actor(name: str) -> Actor:
    """Return an account named like its one group."""
    return Actor(name, name, frozenset({name}))


@pytest.fixture
def session(databases: Databases) -> Iterator[Session]:
    """Yield a session over a seeded database."""
    with new(databases, seeded=True) as database, database.transaction() as opened:
        yield opened


def add_case(session: Session, number: int = 1, **changes: Any) -> Case:
    """Add an accepted case, of D-01 (市交通运输局) in xingguo unless told otherwise, and return it."""
    now = product_now(session)
    facts: dict[str, Any] = {
        "case_no": f"36073220260921{number:05d}",
        "query_code": "Q",
        "item_code": "D-01",
        "item_version": 1,
        "guide_version": 1,
        "item_name": "事项",
        "mode": Mode.DIRECT,
        "power_kind": "filing",
        "power_type": "其他行政权力-备案",
        "area": "xingguo",
        "city_unit": "jtys",
        "applicant_digest": f"d{number}",
        "submitted_by": "xingguo.window",
        "state": CaseState.IN_DEPARTMENT,
        "received_at": now - timedelta(days=1),
        "accepted_at": now - timedelta(days=1),
        "process_id": "direct-devolution",
    }
    made = build_case(**facts | changes)
    session.add(made)
    session.flush()
    session.add(
        Applicant(
            case_no=made.case_no,
            kind=ApplicantKind.ORGANIZATION,
            name="某公司",
            id_type=IdentityType.USCC,
            id_number="x",
            phone="13800000000",
        )
    )
    session.flush()
    return made
