"""The papers of supervision, drawn from what was recorded."""
# ruff: noqa: F401, F811 - pytest takes the imported fixture by its name.

import io
from datetime import date

import pytest
from pypdf import PdfReader
from sqlmodel import Session

from models.case import CaseState, Verdict
from models.policy import PolicyLevel
from services.accounts.actors import Actor
from services.clock import product_now
from services.errors import Forbidden, NotFound
from services.supervision import letters, policy_notices, pushes
from tests.factories.powers import actor, add_case, session


def text_of(pdf: bytes) -> str:
    return "".join("".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(pdf)).pages)


@pytest.fixture
def supervisor() -> Actor:
    """Return the county's supervisor."""
    return actor("xingguo.supervisor")


def test_a_push_is_printed_for_whom_it_concerns(session: Session, supervisor: Actor) -> None:
    now = product_now(session)
    case = add_case(
        session, decision=Verdict.APPROVE, decided_at=now, closed_at=now, state=CaseState.CLOSED_APPROVED, is_open=False
    )
    sent = pushes.push(session, case)[0]
    pdf = letters.draw_push_sheet(session, actor(sent.recipient), sent.id or 0)
    assert pdf == letters.draw_push_sheet(session, actor(sent.recipient), sent.id or 0)
    for needed in ("审管信息推送单", case.case_no, "准予（通过）", "直接下放"):
        assert needed in text_of(pdf)
    with pytest.raises(Forbidden):
        letters.draw_push_sheet(session, actor("yudu.supervisor"), sent.id or 0)


def test_a_policy_notice_is_printed_with_who_has_read_it(session: Session, supervisor: Actor) -> None:
    today = product_now(session).date()
    notice = policy_notices.issue(
        session, supervisor, title="关于调整许可条件的通知", level=PolicyLevel.CITY, published_on=today, items=["D-01"]
    )
    before = text_of(letters.draw_policy_letter(session, notice.id))
    for needed in ("政策文件告知函", "《关于调整许可条件的通知》", "D-01", "未签阅", "兴国县行业监管部门"):
        assert needed in before
    policy_notices.acknowledge(session, actor(notice.pending[0]), notice.id)
    assert text_of(letters.draw_policy_letter(session, notice.id)) != before
    with pytest.raises(NotFound):
        letters.draw_policy_letter(session, 4711)
