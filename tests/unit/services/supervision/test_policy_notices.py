"""Policy notices (政策文件告知函): who gives them, who must read them, and by when."""

import hashlib
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from freezegun import freeze_time
from sqlmodel import Session, col, select

from models.agreement import Agreement, AgreementState
from models.audit import AuditEntry
from models.database import CHINA
from models.outbox import OutboxCommand
from models.policy import PolicyFile, PolicyItem, PolicyLevel, PolicyNotice, PolicyRecipient
from models.working_calendar import end_of_day
from services.errors import Forbidden, InvalidInput
from services.journal import audit
from services.supervision import policy_notices
from services.supervision.policy_ledger import PolicyNoticeView
from tests.factories.powers import actor
from tests.factories.powers import session as session

NOW = datetime(2026, 9, 28, 9, tzinfo=CHINA)
TODAY = date(2026, 9, 28)
DUE, ESCALATE = end_of_day(date(2026, 10, 10)), end_of_day(date(2026, 10, 13))
"""Five working days after the 28th, and two more: the National Day holidays lie between."""


def issue(session: Session, who: str = "city.zrzy.supervisor", **changes: Any) -> PolicyNoticeView:
    """Give notice of a document on one item."""
    facts = {"title": "勘查管理办法", "level": PolicyLevel.CITY, "published_on": TODAY, "items": ["W-01"]}
    with freeze_time(NOW):
        return policy_notices.issue(session, actor(who), **{**facts, **changes})


def refused(session: Session, **changes: Any) -> dict[str, str]:
    """Return what is wrong with a notice, by field."""
    with pytest.raises(InvalidInput) as refusal:
        issue(session, **changes)
    return {one.field: one.message for one in refusal.value.problems}


def readers(shown: PolicyNoticeView) -> set[str]:
    """Return whom a notice is addressed to and waits for."""
    return set(shown.pending)


def informed(shown: PolicyNoticeView) -> set[str]:
    """Return whom a notice tells without waiting for an answer."""
    return {one.group for one in shown.recipients if not one.required}


def agree(session: Session, *areas: str) -> None:
    """Put agreements about S-22 in force."""
    terms = {"unit": "zrzy", "items": ["S-22"], "procedure": "程序", "state": AgreementState.SIGNED}
    session.add_all(
        Agreement(area=area, in_force_from=date(2026, 1, 5), created_by="x", created_at=NOW, **terms) for area in areas
    )
    session.flush()


def notice_of(session: Session) -> PolicyNotice:
    return session.exec(select(PolicyNotice)).one()


def test_a_notice_reaches_who_decides_within_five_working_days_of_publication(session: Session) -> None:
    shown = issue(session, title=" 勘查管理办法 ", items=["W-01", "W-01"])
    assert (shown.title, shown.level, shown.published_on, shown.items) == (
        "勘查管理办法",
        PolicyLevel.CITY,
        TODAY,
        ["W-01"],
    )
    assert readers(shown) == {"city.zrzy.approver"}
    stored = notice_of(session)
    assert (stored.issued_by, stored.issued_for, stored.issued_at) == (
        "city.zrzy.supervisor",
        "city.zrzy.supervisor",
        NOW,
    )
    assert (stored.due_at, stored.escalate_at) == (DUE, ESCALATE)
    assert session.exec(select(PolicyItem.item)).all() == ["W-01"]


def test_the_days_count_from_the_publication_not_from_the_notice(session: Session) -> None:
    issue(session, published_on=date(2026, 9, 21))
    assert notice_of(session).due_at == end_of_day(date(2026, 9, 29))


def test_the_engine_watches_over_the_reading(session: Session) -> None:
    key = f"notice-{issue(session).id}"
    command = session.exec(select(OutboxCommand)).one()
    assert (command.stream, command.payload["correlation_key"], command.payload["message_id"]) == (key, key, key)
    assert command.payload["name"] == "policy-notice-issued"
    variables = command.payload["variables"]
    assert variables["noticeId"] == key
    assert datetime.fromisoformat(variables["dueAt"]) == DUE
    assert datetime.fromisoformat(variables["escalateAt"]) == ESCALATE


def test_the_audit_trail_knows_who_gave_notice_and_who_read_it(session: Session) -> None:
    key = f"notice-{issue(session).id}"
    policy_notices.acknowledge(session, actor("city.zrzy.approver"), notice_of(session).id or 0)
    audit.write_now(session)
    rows = session.exec(select(AuditEntry).where(AuditEntry.subject == key).order_by(col(AuditEntry.id))).all()
    assert [(one.actor, one.action, one.detail) for one in rows] == [
        ("city.zrzy.supervisor", "policy.issue", {"items": ["W-01"]}),
        ("city.zrzy.approver", "policy.acknowledge", {"groups": ["city.zrzy.approver"]}),
    ]


def test_the_citys_notice_goes_to_every_county_with_the_item_and_a_countys_to_its_own(session: Session) -> None:
    counties = readers(issue(session, items=["D-01", "S-22"]))
    assert {"xingguo.approver", "yudu.approver", "city.zrzy.approver"} <= counties
    assert {one for one in counties if one.startswith("city.")} == {"city.zrzy.approver"}
    assert readers(issue(session, "xingguo.supervisor", items=["D-01"])) == {"xingguo.approver"}


def test_a_notice_is_told_to_who_reviews_in_substance_and_to_the_windows(session: Session) -> None:
    agree(session, "rongjiang", "zhanggong")
    substantive = informed(issue(session, items=["S-22"]))
    assert substantive == {"rongjiang.zrzy.reviewer", "rongjiang.window", "zhanggong.reviewer", "zhanggong.window"}, (
        "agreements are in force in these two areas alone"
    )
    window = informed(issue(session, items=["W-01"]))
    assert len(window) == 20
    assert all(group.endswith(".window") for group in window)
    assert informed(issue(session, "xingguo.supervisor", items=["W-01"])) == {"xingguo.window"}


def test_nobody_waits_for_who_is_only_told(session: Session) -> None:
    agree(session, "zhanggong")
    shown = issue(session, items=["S-22"])
    policy_notices.deliver(session, shown.id)
    assert policy_notices.acknowledge(session, actor("zhanggong.window"), shown.id).completed_at is None
    assert policy_notices.acknowledge(session, actor("city.zrzy.approver"), shown.id).completed_at is not None


def test_whoever_supervises_nothing_gives_no_notice(session: Session) -> None:
    for name in ("city.zrzy.approver", "xingguo.window", "city.coordinator"):
        with pytest.raises(Forbidden):
            issue(session, name)


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ({"title": "  "}, {"title": "应为1至300个字符"}),
        ({"title": "长" * 301}, {"title": "应为1至300个字符"}),
        ({"published_on": TODAY + timedelta(days=1)}, {"published_on": "不能晚于今天"}),
        ({"published_on": date(1948, 12, 31)}, {"published_on": "日期过早"}),
        ({"content": b""}, {"file": "附件应为1字节至5 MB"}),
        ({"content": b"x" * (5 * 1024 * 1024 + 1)}, {"file": "附件应为1字节至5 MB"}),
        ({"items": []}, {"items": "应为1至200个事项"}),
        ({"items": ["W-01"] * 201}, {"items": "应为1至200个事项"}),
        ({"items": ["W-01", "X-1", "Y-2"]}, {"items": "没有这些事项：X-1、Y-2"}),
        ({"who": "jingkai.supervisor", "items": ["D-01", "W-01"]}, {"items": "以下事项未下放至本县（市、区）：D-01"}),
        ({"title": "", "items": []}, {"title": "应为1至300个字符", "items": "应为1至200个事项"}),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_notice_is_whole(session: Session, changes: dict[str, Any], problems: dict[str, str]) -> None:
    assert refused(session, **changes) == problems
    assert session.exec(select(PolicyNotice)).all() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "长" * 300},
        {"published_on": date(1949, 1, 1)},
        {"content": b"x"},
        {"content": b"x" * (5 * 1024 * 1024)},
        {"items": ["W-01"] * 200},
    ],
    ids=lambda value: str(value)[:60],
)
def test_the_outermost_that_is_taken(session: Session, changes: dict[str, Any]) -> None:
    assert issue(session, **changes).id


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("办法.pdf", "办法.pdf"),
        ("C:\\公文\\办法.pdf", "办法.pdf"),
        ("../a/b\x07.pdf", "b.pdf"),
        (None, "附件"),
        ("/", "附件"),
    ],
)
def test_a_file_is_kept_with_its_digest_and_a_plain_name(session: Session, given: str | None, kept: str) -> None:
    issue(session, content=b"%PDF", file_name=given)
    file = session.exec(select(PolicyFile)).one()
    assert (file.name, file.size, file.content) == (kept, 4, b"%PDF")
    assert file.sha256 == hashlib.sha256(b"%PDF").hexdigest()


def test_a_notice_is_delivered_once_as_of_its_issue(session: Session) -> None:
    number = issue(session).id
    policy_notices.deliver(session, number)
    assert set(session.exec(select(PolicyRecipient.notified_at)).all()) == {NOW}
    row = session.exec(select(PolicyRecipient).where(col(PolicyRecipient.required))).one()
    row.notified_at = NOW - timedelta(days=1)
    policy_notices.deliver(session, number)
    assert row.notified_at == NOW - timedelta(days=1)


def test_the_last_reader_ends_the_waiting(session: Session) -> None:
    number = issue(session, items=["W-01", "W-24"]).id
    first, last = actor("city.zrzy.approver"), actor("city.xzsp.approver")
    assert readers(policy_notices.view(session, notice_of(session))) == {first.username, last.username}
    with freeze_time(NOW):
        policy_notices.acknowledge(session, first, number)
    stored = notice_of(session)
    assert stored.completed_at is None
    later = NOW + timedelta(days=1)
    with freeze_time(later):
        policy_notices.acknowledge(session, first, number)
        policy_notices.acknowledge(session, last, number)
    assert stored.completed_at == later
    rows = session.exec(select(PolicyRecipient).where(col(PolicyRecipient.required))).all()
    assert {(one.group_name, one.acknowledged_by, one.acknowledged_at) for one in rows} == {
        (first.username, first.username, NOW),
        (last.username, last.username, later),
    }
    ended = session.exec(select(OutboxCommand).order_by(col(OutboxCommand.id).desc())).first()
    assert ended is not None
    assert ended.payload["name"] == "policy-notice-acknowledged"
    assert (ended.payload["correlation_key"], ended.payload["message_id"]) == (
        f"notice-{number}",
        f"notice-{number}:acknowledged",
    )
    with pytest.raises(Forbidden):
        policy_notices.acknowledge(session, actor("city.jtys.approver"), number)


def test_a_notice_that_everybody_read_is_neither_reminded_of_nor_escalated(session: Session) -> None:
    number = issue(session).id
    policy_notices.acknowledge(session, actor("city.zrzy.approver"), number)
    policy_notices.remind(session, number)
    policy_notices.escalate(session, number)
    stored = notice_of(session)
    assert (stored.reminded_at, stored.escalated_at) == (None, None)


@pytest.mark.parametrize(
    ("published", "reminded", "escalated"),
    [(TODAY, DUE, ESCALATE), (date(2026, 1, 5), NOW, NOW)],
    ids=["in time", "the notice came after its own limit"],
)
def test_a_reminder_is_dated_by_the_limit_or_by_a_later_notice(
    session: Session, published: date, reminded: datetime, escalated: datetime
) -> None:
    number = issue(session, published_on=published).id
    policy_notices.remind(session, number)
    policy_notices.escalate(session, number)
    stored = notice_of(session)
    assert (stored.reminded_at, stored.escalated_at) == (reminded, escalated)


def test_a_file_in_a_request_is_base64(session: Session) -> None:
    assert policy_notices.decode_file("JVBERg==") == b"%PDF"
    for broken in ("JVBERg=", "JVBE Rg==", "附件"):
        with pytest.raises(InvalidInput) as refusal:
            policy_notices.decode_file(broken)
        assert [(one.field, one.message) for one in refusal.value.problems] == [
            ("file.content_base64", "不是有效的 base64")
        ]
