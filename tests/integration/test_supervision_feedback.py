"""Feedback of supervision is recorded once, read when it is looked at, and its answer is due."""

from typing import Any

from sqlmodel import select

from models.audit import AuditEntry
from models.notification import Notification
from models.outbox import OutboxCommand
from models.supervision import SupervisionFeedback
from services.supervision import push_feedback
from tests.integration.closing import close
from tests.integration.people import sign_in
from tests.integration.web import Web
from tests.integration.web import web as web

CITY, COUNTY, APPROVER = "city.zrzy.supervisor", "xingguo.supervisor", "city.zrzy.approver"
INSPECTED = {"kind": "inspection", "text": "现场检查未发现问题"}


def push(web: Web) -> dict[str, Any]:
    """Close a window case and return its push to the city's supervisor."""
    case_no = web.submit()
    close(web, case_no)
    [found] = web.get("/pushes", CITY, case_no=case_no).json()["items"]
    return dict(found)


def give(web: Web, one: dict[str, Any], body: dict[str, str], key: str | None = None) -> Any:
    """Return the answer to feedback on a push."""
    headers = {"Idempotency_Key": key} if key is not None else {}
    return web.post(f"/pushes/{one['id']}/feedback", CITY, json=body, **headers)


def show(web: Web, username: str, path: str) -> str:
    """Return a page as the account sees it."""
    token = web.headers(username)["Authorization"].removeprefix("Bearer ")
    answer = web.client.get(path, headers={"Cookie": f"tongquan_session={token}"})
    assert answer.status_code == 200, answer.text
    return str(answer.text)


def test_the_same_words_on_the_same_day_are_one_piece_of_feedback(web: Web) -> None:
    one = push(web)
    first, again = give(web, one, INSPECTED), give(web, one, INSPECTED)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    other = give(web, one, INSPECTED | {"text": "复查发现问题"})
    assert (other.status_code, other.json()["id"] != first.json()["id"]) == (201, True)
    shown = web.get(f"/pushes/{one['id']}", CITY).json()
    assert len(shown["feedbacks"]) == 2
    with web.database.reading() as session:
        started = [
            row.payload["message_id"]
            for row in session.exec(select(OutboxCommand).where(OutboxCommand.stream == one["case_no"])).all()
            if row.payload.get("name") == "feedback-given"
        ]
    assert started == [f"feedback-{found['id']}" for found in shown["feedbacks"]]


def test_a_key_tells_a_repetition_from_the_same_words_said_again(web: Web) -> None:
    one = push(web)
    first, again = give(web, one, INSPECTED, "a"), give(web, one, INSPECTED, "a")
    assert (first.status_code, again.status_code, again.json()) == (201, 200, first.json())
    assert give(web, one, INSPECTED, "b").status_code == 201
    conflict = give(web, one, INSPECTED | {"text": "别的"}, "a")
    assert (conflict.status_code, conflict.json()["code"]) == (409, "idempotency_conflict")
    assert len(web.get(f"/pushes/{one['id']}", CITY).json()["feedbacks"]) == 2
    assert give(web, one, INSPECTED, "k" * 201).status_code == 422


def test_looking_at_feedback_changes_nothing_and_the_approver_marks_it_read(web: Web) -> None:
    one = push(web)
    give(web, one, INSPECTED)

    def read_by() -> str | None:
        return web.get(f"/pushes/{one['id']}", CITY).json()["feedback"]["read_by"]  # type: ignore[no-any-return]

    page = f"/supervision/{one['id']}"
    assert "标记已阅" not in show(web, "city.coordinator", page)
    assert "标记已阅" in show(web, APPROVER, page)
    assert web.get(f"/pushes/{one['id']}", APPROVER).status_code == 200
    assert read_by() is None
    for username, status in ((CITY, 403), (APPROVER, 303), (APPROVER, 303)):
        form = {"csrf": sign_in(web, username)}
        assert web.client.post(f"{page}/read", data=form, follow_redirects=False).status_code == status, username
    assert read_by() == APPROVER
    assert "标记已阅" not in show(web, APPROVER, page)
    with web.database.reading() as session:
        entries = session.exec(
            select(AuditEntry).where(AuditEntry.subject == one["case_no"], AuditEntry.action == "push.read_feedback")
        ).all()
    assert [entry.actor for entry in entries] == [APPROVER]


def test_an_overdue_answer_is_reminded_of_once_and_an_answered_one_never(web: Web) -> None:
    late, answered = push(web), push(web)
    for one in (late, answered):
        give(web, one, INSPECTED)
    web.post(f"/pushes/{answered['id']}/answer", APPROVER, json={"text": "收到"})
    with web.database.transaction() as session:
        for given in session.exec(select(SupervisionFeedback)).all():
            if given.push_id in (late["id"], answered["id"]):
                for _ in range(2):
                    push_feedback.remind_answer(session, given.id or 0)
    with web.database.reading() as session:
        told = session.exec(select(Notification).where(Notification.signal == "feedback_overdue")).all()
    groups = {(one.kind.value, one.to_group) for one in told}
    assert groups == {("reminder", APPROVER), ("supervision", CITY), ("supervision", "city.coordinator")}
    assert {one.case_no for one in told} == {late["case_no"]}
    feedback = web.get(f"/pushes/{late['id']}", CITY).json()["feedback"]
    assert feedback["reminded_at"] == feedback["answer_due_at"]
    assert feedback["answer_due_at"].endswith("T23:59:59+08:00")
    assert {one.at.isoformat() for one in told} == {feedback["answer_due_at"]}
    assert "逾期未答复" in show(web, APPROVER, f"/supervision/{late['id']}")
    assert "逾期未答复" not in show(web, APPROVER, f"/supervision/{answered['id']}")
    events = [one["event"] for one in web.get(f"/cases/{late['case_no']}", CITY).json()["timeline"]]
    assert events.count("push.answer_overdue") == 1
