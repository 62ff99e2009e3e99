"""One case through a hearing, an overlapping expert review, an extension and a closed window, day by day.

It has an instance of its own, started on 2026-09-21. Every date is held against an independent reckoning, every
light is looked at just before and just after its instant on the engine's clock.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import httpx
import pytest

from tests.databases import Databases
from tests.instance import PASSWORD, Instance, running
from tests.reckoning import Span, add_working_days, counted_day, statuses

pytestmark = pytest.mark.engine

START = date(2026, 9, 21)
AREA, ITEM = "xingguo", "W-01"
LIMIT, EXTENSION = 20, 5
YELLOW_SHARE = 0.7
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def own(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """Start an instance on the Monday before the National Day holidays."""
    clock = f"--controlled-clock={START}T09:00:00+08:00"
    with running(databases, tmp_path_factory.mktemp("scenario"), clock) as started:
        yield started


def now(own: Instance) -> datetime:
    return datetime.fromisoformat(own.api("city.coordinator").get("/clock").json()["now"])


def go_to(own: Instance, moment: datetime) -> None:
    """Move to an instant, or stay where that has passed."""
    seconds = (moment - now(own)).total_seconds()
    if seconds > 0:
        own.advance(seconds=seconds)


def start_of(day: date) -> datetime:
    return datetime.fromisoformat(f"{day}T00:00:00+08:00")


def end_of(day: date) -> str:
    return f"{day}T23:59:59+08:00"


def light(own: Instance, case_no: str) -> str:
    """Return the case's light as lists show it."""
    rows = own.api("city.coordinator").get("/cases", params={"q": case_no}).json()["items"]
    return str(rows[0]["light"])


def told(own: Instance, case_no: str) -> dict[date, str]:
    return {date.fromisoformat(day["date"]): day["status"] for day in own.case(case_no)["clock"]["days"]}


def events(own: Instance, case_no: str, event: str) -> list[str]:
    return [one["at"] for one in own.case(case_no)["timeline"] if one["event"] == event]


def page_of(own: Instance, case_no: str) -> str:
    """Return the case's page as the city's approver sees it in a browser."""
    with httpx.Client(base_url=own.url, follow_redirects=True, timeout=60) as browser:
        form = browser.get("/login").text
        token = form.split('name="csrf" value="')[1].split('"')[0] if 'name="csrf" value="' in form else ""
        sent = {"username": "city.zrzy.approver", "password": PASSWORD, "csrf": token}
        assert browser.post("/login", data=sent).status_code == 200
        return browser.get(f"/cases/{case_no}").text


def test_a_hearing_an_overlapping_review_an_extension_and_a_closed_window(own: Instance) -> None:
    case_no = own.submit(ITEM, AREA)
    own.complete(case_no, "Task_DecideAcceptance", "accept")
    own.complete(case_no, "Task_ConfirmReceipt", "done")
    own.task(case_no, "Task_CityReview")
    assert own.case(case_no)["due_at"] == end_of(counted_day(statuses(START, LIMIT, [], START), LIMIT))
    approver = own.api("city.zrzy.approver")

    # A hearing of eight working days from the 22nd, held seven working days ahead of its notice.
    go_to(own, start_of(date(2026, 9, 22)) + timedelta(hours=9))
    heard_from = date(2026, 9, 22)
    hearing_day = add_working_days(heard_from, 7)
    hearing = approver.post(
        f"/cases/{case_no}/special-procedures",
        json={
            "kind": "听证",
            "days": 8,
            "reason": "利害关系人要求听证",
            "held_on": str(hearing_day),
            "presiding_officer": "city.zrzy.advisor",
        },
    )
    assert hearing.status_code == 201, hearing.text
    hearing_end = add_working_days(heard_from, 8)
    assert hearing.json()["planned_end_at"] == end_of(hearing_end)
    spans: list[Span] = [(heard_from, hearing_end, None)]
    assert told(own, case_no) == statuses(START, LIMIT, spans, heard_from)
    assert light(own, case_no) == "paused"

    # An expert review from the 24th overlaps it; an extension of five days is approved meanwhile.
    go_to(own, start_of(date(2026, 9, 24)) + timedelta(hours=9))
    reviewed_from = date(2026, 9, 24)
    review = approver.post(
        f"/cases/{case_no}/special-procedures", json={"kind": "专家评审", "days": 12, "reason": "技术方案复杂"}
    )
    assert review.status_code == 201, review.text
    spans.append((reviewed_from, add_working_days(reviewed_from, 12), None))
    extended = approver.post(f"/cases/{case_no}/extension", json={"days": EXTENSION, "reason": "案情复杂"})
    assert extended.status_code == 201, extended.text
    again = approver.post(f"/cases/{case_no}/extension", json={"days": 1, "reason": "再延"})
    assert (again.status_code, again.json()["code"]) == (409, "extended_before")
    assert told(own, case_no) == statuses(START, LIMIT + EXTENSION, spans, reviewed_from)

    # The hearing ends before the review: the days they share count once.
    go_to(own, start_of(date(2026, 10, 9)) + timedelta(hours=9))
    assert approver.post(f"/cases/{case_no}/special-procedures/{hearing.json()['id']}/end").status_code == 200
    spans[0] = (heard_from, hearing_end, date(2026, 10, 9))
    assert light(own, case_no) == "paused"
    go_to(own, start_of(date(2026, 10, 13)) + timedelta(hours=9))
    assert approver.post(f"/cases/{case_no}/special-procedures/{review.json()['id']}/end").status_code == 200
    spans[1] = (reviewed_from, spans[1][1], date(2026, 10, 13))
    expected = statuses(START, LIMIT + EXTENSION, spans, date(2026, 10, 13))
    assert told(own, case_no) == expected
    due = counted_day(expected, LIMIT + EXTENSION)
    assert own.case(case_no)["due_at"] == end_of(due)

    # Every day has its reason, in the API and on the page.
    reasons = {date.fromisoformat(day["date"]): day["reason"] for day in own.case(case_no)["clock"]["days"]}
    assert reasons[date(2026, 9, 23)] == "特别程序：听证"
    assert reasons[date(2026, 9, 25)] == "中秋节"
    assert reasons[date(2026, 10, 1)] == "国庆节"
    assert reasons[date(2026, 10, 12)] == "特别程序：专家评审"
    assert reasons[START] == "自次日起计算"
    page = page_of(own, case_no)
    for day, reason in reasons.items():
        assert f"{day} " in page, day
        assert reason in page, reason
    assert "案情复杂" in page

    # The yellow light comes on with the day that uses up its share of the limit, and not a minute before.
    yellow = counted_day(expected, round(LIMIT * YELLOW_SHARE + EXTENSION * YELLOW_SHARE + 0.4999))
    go_to(own, start_of(yellow) - MINUTE)
    assert light(own, case_no) == "green"
    assert events(own, case_no, "deadline.yellow") == []
    go_to(own, start_of(yellow) + timedelta(seconds=1))
    assert light(own, case_no) == "yellow"
    assert events(own, case_no, "deadline.yellow") == [start_of(yellow).isoformat()]
    reminders = own.api("city.zrzy.reviewer").get("/notices", params={"case_no": case_no}).json()["items"]
    assert [(one["kind"], one["at"]) for one in reminders if one["signal"] == "yellow"] == [
        ("reminder", start_of(yellow).isoformat())
    ]

    # The county closes its window for a day in mid-case: the due day moves, and the live timer with it.
    closed_day = add_working_days(yellow, 1)
    closed = frozenset({closed_day})
    entry = {"date": str(closed_day), "working": False, "reason": "窗口停电检修"}
    changed = own.api(f"{AREA}.approver").post("/calendar", json={"area": AREA, "days": [entry]})
    assert changed.status_code == 200, changed.text
    assert changed.json()["moved_cases"] == 1
    moved = statuses(START, LIMIT + EXTENSION, spans, yellow, closed)
    new_due = counted_day(moved, LIMIT + EXTENSION)
    assert new_due > due
    assert told(own, case_no) == moved
    assert own.case(case_no)["due_at"] == end_of(new_due)
    assert own.task(case_no, "Task_CityReview")["due_at"] == end_of(new_due)
    assert "窗口停电检修" in page_of(own, case_no)
    go_to(own, start_of(due + timedelta(1)) + MINUTE)
    assert events(own, case_no, "deadline.overdue") == []
    assert light(own, case_no) == "yellow"

    # The red light comes on one second after the new due day, with reminder and supervision, and for ever.
    go_to(own, start_of(new_due + timedelta(1)) - MINUTE)
    assert light(own, case_no) == "yellow"
    go_to(own, start_of(new_due + timedelta(1)) + timedelta(seconds=1))
    assert light(own, case_no) == "red"
    assert events(own, case_no, "deadline.overdue") == [start_of(new_due + timedelta(1)).isoformat()]
    for group in ("city.coordinator", "city.zrzy.supervisor"):
        found = own.api(group).get("/notices", params={"case_no": case_no}).json()["items"]
        assert [one["kind"] for one in found if one["signal"] == "overdue"] == ["supervision"]
    late = approver.post(f"/cases/{case_no}/special-procedures", json={"kind": "检测", "days": 3, "reason": "复检"})
    assert late.status_code == 201
    assert approver.post(f"/cases/{case_no}/special-procedures/{late.json()['id']}/end").status_code == 200
    closed_case = own.finish(case_no)
    assert closed_case["state"]["code"] == 11
    assert closed_case["overdue_at"] == start_of(new_due + timedelta(1)).isoformat()
    assert closed_case["light"] == "red"

    # What the clock said at the decision stays, whatever is entered into the calendar afterwards.
    entry = {"date": str(START + timedelta(1)), "working": False, "reason": "事后补登"}
    changed = own.api(f"{AREA}.approver").post("/calendar", json={"area": AREA, "days": [entry]})
    assert changed.status_code == 200, changed.text
    assert own.case(case_no)["clock"] == closed_case["clock"]
    assert "事后补登" not in page_of(own, case_no)
