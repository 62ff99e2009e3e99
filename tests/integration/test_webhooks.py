"""Connectors against a real receiver: signatures, retries, dead letters, and what may not be called."""

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from bridge.webhooks import AddressRefused, WebhookSender, checked_address
from models.supervision import SupervisionFeedback
from models.webhook import DeliveryStatus, WebhookDelivery, WebhookEndpoint
from services.clock import machine_now
from services.webhooks import signing, subscriptions
from services.webhooks.addresses import permitted_address
from settings import get_settings
from tests.integration.closing import close
from tests.integration.web import Web, serial
from tests.integration.web import web as web
from tests.receiver import Receiver, signature

ADMIN = "admin.system"
AT_ONCE = (timedelta(0), timedelta(0))
FILING = {
    "filing_id": 1,
    "case_no": "c",
    "item": "D-01",
    "area": "xingguo",
    "to": "city.jtys.reviewer",
    "kind": "report",
    "state": "filed",
    "decision": "approve",
}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture(autouse=True)
def no_endpoints_left(web: Web) -> Iterator[None]:
    yield
    for one in web.get("/webhooks", ADMIN).json()["items"]:
        assert web.client.delete(f"/api/v1/webhooks/{one['id']}", headers=web.headers(ADMIN)).status_code == 204


def subscribe(web: Web, receiver: Receiver, *events: str, **more: Any) -> dict[str, Any]:
    """Subscribe the receiver and let it know the secret."""
    made = web.post("/webhooks", ADMIN, json={"url": receiver.url, "events": list(events), **more})
    assert made.status_code == 201, made.text
    receiver.inbox.secret = made.json()["secret"]
    return dict(made.json())


def send(web: Web, rounds: int = 1) -> None:
    """Let the bridge's sender look for due deliveries."""
    sender = WebhookSender(web.database, retry_pauses=AT_ONCE, answer_seconds=2)
    for _ in range(rounds):
        asyncio.run(sender.send_due())


def closed_case(web: Web) -> tuple[str, list[dict[str, Any]]]:
    """Return a case just closed and its pushes."""
    case_no = web.submit()
    close(web, case_no)
    return case_no, web.get("/pushes", "city.coordinator", case_no=case_no).json()["items"]


def test_a_push_reaches_its_subscriber_signed_and_without_a_persons_name(web: Web, receiver: Receiver) -> None:
    subscribe(web, receiver, "push.*")
    case_no, pushes = closed_case(web)
    send(web)
    told = {one["data"]["push_id"]: one for one in receiver.inbox.of("push.sent")}
    assert set(told) == {one["id"] for one in pushes}
    one = told[pushes[0]["id"]]
    assert (one["data"]["case_no"], one["data"]["decision"]) == (case_no, "approve")
    assert one["data"]["applicant_name"] == "测****"
    assert "13800000000" not in json.dumps(one)
    assert receiver.inbox.refused == 0


def test_an_event_is_sent_once_however_often_it_is_emitted(web: Web, receiver: Receiver) -> None:
    subscribe(web, receiver, "certificate.issued")
    at = machine_now()
    data = {"number": "n", "case_no": "c", "item": "W-01", "name": "证", "status": "valid", "valid_until": None}
    data["issued_at"] = at.isoformat()
    for _ in range(2):
        with web.database.transaction() as session:
            subscriptions.publish(session, "certificate.issued", "certificate:n", data, at)
    send(web)
    assert len(receiver.inbox.attempts) == 1


def test_a_rolled_back_event_is_not_sent(web: Web, receiver: Receiver) -> None:
    subscribe(web, receiver, "*")
    with web.database.reading() as session:
        subscriptions.publish(session, "filing.filed", "filing:1", FILING, machine_now())
    send(web)
    assert receiver.inbox.attempts == []


def test_a_failing_receiver_is_tried_again_then_given_up_and_may_be_resent(web: Web, receiver: Receiver) -> None:
    subscribe(web, receiver, "filing.*")
    receiver.inbox.fail_next = 3
    with web.database.transaction() as session:
        message_id = subscriptions.publish(session, "filing.filed", "filing:2", FILING, machine_now())
    send(web, 1)
    [waiting] = web.get("/webhook-deliveries", ADMIN, status="pending").json()["items"]
    assert (waiting["attempts"], waiting["last_status"], waiting["last_error"]) == (1, 503, "HTTP 503")
    early = web.post(f"/webhook-deliveries/{waiting['id']}/resend", ADMIN)
    assert (early.status_code, early.json()["code"]) == (409, "delivery_pending")
    send(web, 3)
    [dead] = web.get("/webhook-deliveries", ADMIN, status="dead").json()["items"][:1]
    assert (dead["id"], dead["attempts"], dead["message_id"]) == (waiting["id"], 3, message_id)
    assert receiver.inbox.messages == {}
    assert web.post(f"/webhook-deliveries/{dead['id']}/resend", ADMIN).status_code == 202
    send(web)
    assert list(receiver.inbox.messages) == [message_id]
    [done] = web.get("/webhook-deliveries", ADMIN, status="delivered").json()["items"][:1]
    assert done["delivered_at"] is not None


def test_a_receiver_that_is_not_there_does_not_stop_the_others(web: Web, receiver: Receiver) -> None:
    with Receiver() as gone:
        subscribe(web, gone, "filing.*")
    subscribe(web, receiver, "filing.*")
    with web.database.transaction() as session:
        subscriptions.publish(session, "filing.filed", "filing:3", FILING, machine_now())
    send(web)
    assert len(receiver.inbox.messages) == 1
    [waiting] = web.get("/webhook-deliveries", ADMIN, status="pending").json()["items"]
    assert "ConnectError" in waiting["last_error"]


def test_pauses_between_attempts_grow(web: Web, receiver: Receiver) -> None:
    subscribe(web, receiver, "filing.*")
    receiver.inbox.fail_next = 9
    with web.database.transaction() as session:
        subscriptions.publish(session, "filing.filed", "filing:4", FILING, machine_now())
    sender, waits = WebhookSender(web.database), []
    for _ in range(3):
        asyncio.run(sender.send_due())
        with web.database.transaction() as session:
            one = session.exec(select(WebhookDelivery).order_by(WebhookDelivery.id.desc())).first()  # type: ignore[union-attr]
            assert one is not None
            waits.append((one.available_at - machine_now()).total_seconds())
            one.available_at = machine_now()
            session.add(one)
    assert waits == sorted(waits)
    assert [4 < waits[0] < 7, 28 < waits[1] < 37, 118 < waits[2] < 145] == [True] * 3


def test_a_secret_is_shown_once_and_kept_encrypted(web: Web, receiver: Receiver) -> None:
    made = subscribe(web, receiver, "*")
    assert made["secret"].startswith("whsec_")
    assert made["secret"] not in web.get("/webhooks", ADMIN).text
    with web.database.reading() as session:
        stored = session.get_one(WebhookEndpoint, made["id"]).sealed_secret
    assert made["secret"] not in stored
    assert signing.unseal(stored) == made["secret"]


@pytest.mark.parametrize("username", ["city.coordinator", "admin.security", "city.zrzy.supervisor"])
def test_only_the_system_administrator_manages_webhooks(web: Web, username: str) -> None:
    for path in ("/webhooks", "/webhook-deliveries", "/webhook-events"):
        assert web.get(path, username).status_code == 403
    assert web.post("/webhooks", username, json={"nonsense": 1}).status_code == 403
    assert web.post("/webhook-deliveries/1/resend", username).status_code == 403


@pytest.mark.parametrize(
    ("url", "events"),
    [
        ("ftp://example.com/x", ["*"]),
        ("file:///etc/passwd", ["*"]),
        ("http://10.0.0.1/x", ["*"]),
        ("http://169.254.169.254/latest", ["*"]),
        ("http://[fe80::1]/x", ["*"]),
        ("http://user:password@example.com/x", ["*"]),
        ("nonsense", ["*"]),
        ("https://example.com:99999/", ["*"]),
        ("https://example.com/x", ["nonsense"]),
        ("https://example.com/x", ["push.nonsense"]),
        ("https://example.com/x", ["filing.nonsense"]),
        ("https://example.com/x", ["certificate.lost"]),
        ("https://example.com/x", ["nonsense.*"]),
        ("https://example.com/x", []),
    ],
)
def test_an_address_or_event_that_makes_no_sense_is_refused(web: Web, url: str, events: list[str]) -> None:
    answer = web.post("/webhooks", ADMIN, json={"url": url, "events": events})
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize(
    ("environment", "networks", "address", "permitted"),
    [
        ("development", "", "127.0.0.1", True),
        ("production", "", "127.0.0.1", False),
        ("production", "", "::1", False),
        ("production", "", "::ffff:127.0.0.1", False),
        ("production", "", "10.1.2.3", False),
        ("production", "", "0.0.0.0", False),  # noqa: S104
        ("production", "", "169.254.169.254", False),
        ("production", "10.1.0.0/16, 192.168.5.0/24", "10.1.2.3", True),
        ("production", "10.1.0.0/16", "10.2.2.3", False),
        ("production", "", "8.8.8.8", True),
        ("production", "", "::ffff:8.8.8.8", True),
        ("production", "", "2606:4700::1111", True),
        ("production", "", "64:ff9b::7f00:1", False),
        ("production", "", "64:ff9b::10.1.2.3", False),
        ("production", "", "64:ff9b::8.8.8.8", True),
        ("production", "10.1.0.0/16", "64:ff9b::10.1.2.3", True),
        ("production", "", "64:ff9b:1::7f00:1", False),
        ("production", "", "2002:7f00:1::", False),
        ("production", "", "2002:a01:203::1", False),
        ("production", "", "2001:0:4136:e378:8000:63bf:80ff:fffe", False),
        ("production", "", "::127.0.0.1", False),
        ("production", "", "::8.8.8.8", False),
        ("production", "", "::ffff:0:127.0.0.1", False),
        ("production", "", "::", False),
        ("production", "", "fec0::1", False),
        ("production", "", "fc00::1", False),
        ("production", "", "fe80::1", False),
        ("production", "", "ff0e::1", False),
        ("production", "", "4000::1", False),
        ("production", "fec0::/10", "fec0::1", True),
    ],
)
def test_what_lies_inward_is_not_called(
    monkeypatch: pytest.MonkeyPatch, environment: str, networks: str, address: str, permitted: bool
) -> None:
    monkeypatch.setenv("TONGQUAN_ENVIRONMENT", environment)
    monkeypatch.setenv("TONGQUAN_WEBHOOK_NETWORKS", networks)
    get_settings.cache_clear()
    try:
        assert permitted_address(address) is permitted
        if address == "127.0.0.1" and not permitted:
            with pytest.raises(AddressRefused):
                asyncio.run(checked_address("localhost", 80))
    finally:
        monkeypatch.undo()
        get_settings.cache_clear()


def test_every_event_has_a_schema(web: Web) -> None:
    told = {one["event"]: one["data_schema"] for one in web.get("/webhook-events", ADMIN).json()["items"]}
    assert {"push.sent", "push.feedback", "policy.issued", "certificate.issued"} <= set(told)
    filed = {f"filing.{word}" for word in ("filed", "acknowledged", "questioned", "answered", "reviewed", "reminded")}
    assert filed <= set(told)
    assert "case_no" in told["push.sent"]["required"]
    assert set(told["filing.filed"]["required"]) == set(FILING)
    for name in told:
        assert web.post("/webhooks", ADMIN, json={"url": "https://example.com/x", "events": [name]}).status_code == 201


def test_no_other_event_is_told_than_those_that_can_be_subscribed_to(web: Web) -> None:
    with web.database.reading() as session, pytest.raises(ValueError):
        subscriptions.publish(session, "filing.created", "filing:5", FILING, machine_now())


def test_a_decision_of_a_county_is_told_as_filed_with_the_city_unit(web: Web, receiver: Receiver) -> None:
    subscribe(web, receiver, "filing.filed", "filing.acknowledged")
    case_no = web.submit("D-01")
    close(web, case_no)
    [filing] = web.get("/filings", "city.jtys.reviewer", case_no=case_no).json()["items"]
    assert web.post(f"/filings/{filing['id']}/acknowledge", "city.jtys.reviewer").status_code == 200
    send(web)
    [filed] = receiver.inbox.of("filing.filed")
    told = {**FILING, "filing_id": filing["id"], "case_no": case_no}
    assert filed["data"] == told
    [done] = receiver.inbox.of("filing.acknowledged")
    assert done["data"] == {**told, "state": "acknowledged"}
    assert (done["subject"], done["id"] != filed["id"]) == (f"filing:{filing['id']}", True)


def test_a_fault_of_ours_counts_as_an_attempt_and_stops_nobody(
    web: Web, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = subscribe(web, receiver, "filing.*")
    subscribe(web, receiver, "filing.*")
    unseal = signing.unseal

    def fail_for_one(sealed: str) -> str:
        with web.database.reading() as session:
            if session.get_one(WebhookEndpoint, broken["id"]).sealed_secret == sealed:
                raise RuntimeError("a fault of ours")
        return unseal(sealed)

    monkeypatch.setattr(signing, "unseal", fail_for_one)
    with web.database.transaction() as session:
        subscriptions.publish(session, "filing.filed", "filing:6", FILING, machine_now())
    send(web, 1)
    assert len(receiver.inbox.messages) == 1
    [waiting] = web.get("/webhook-deliveries", ADMIN, endpoint=broken["id"]).json()["items"]
    assert (waiting["status"], waiting["attempts"], waiting["last_error"]) == (
        "pending", 1, "RuntimeError: a fault of ours",
    )  # fmt: skip
    send(web, 3)
    [dead] = web.get("/webhook-deliveries", ADMIN, endpoint=broken["id"]).json()["items"]
    assert (dead["status"], dead["attempts"]) == ("dead", 3)


def platform(web: Web) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a supervisor's platform's subscription and a push addressed to its group."""
    _, pushes = closed_case(web)
    made = web.post(
        "/webhooks",
        ADMIN,
        json={"url": "https://example.com/", "events": ["push.*"], "acts_for": pushes[0]["to"]},
    ).json()
    return made, next(one for one in pushes if one["to"] == made["acts_for"])


def inbound(web: Web, made: dict[str, Any], body: dict[str, Any], **changes: str) -> Any:
    """Post a signed message as a platform does."""
    raw = json.dumps(body, ensure_ascii=False).encode()
    message_id = changes.pop("message_id", f"their-{next(serial)}")
    route = changes.pop("route", "feedback")
    stamp = changes.pop("stamp", str(int(machine_now().timestamp())))
    headers = {
        "content-type": "application/json",
        "webhook-endpoint": made["id"],
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": changes.pop("given", None) or signature(made["secret"], message_id, stamp, raw),
    }
    return web.client.post(f"/api/v1/inbound/{route}", content=raw, headers=headers)


def test_a_platform_returns_feedback_once_however_often_it_sends_it(web: Web) -> None:
    made, push = platform(web)
    body = {"push_id": push["id"], "kind": "restriction", "text": "三年内不得申请"}
    first = inbound(web, made, body, message_id="a")
    again = inbound(web, made, body, message_id="a")
    assert (first.status_code, again.status_code) == (201, 200), first.text
    assert again.json() == {**first.json(), "duplicate": True}
    reused = inbound(web, made, body | {"text": "别的"}, message_id="a")
    assert (reused.status_code, reused.json()["code"]) == (409, "message_reused")
    seen = web.get(f"/pushes/{push['id']}", push["to"]).json()
    assert (seen["claimed_by"], len(seen["feedbacks"])) == (push["to"], 1)
    with web.database.reading() as session:
        stored = session.get_one(SupervisionFeedback, first.json()["feedback_id"])
    assert stored.given_by == push["to"]


def test_what_is_not_signed_or_not_new_is_refused_before_it_is_read(web: Web) -> None:
    made, push = platform(web)
    body = {"push_id": push["id"], "kind": "penalty", "text": "罚款"}
    old = str(int((machine_now() - timedelta(minutes=6)).timestamp()))
    ahead = str(int((machine_now() + timedelta(minutes=6)).timestamp()))
    refused = [
        inbound(web, made, body, stamp=old),
        inbound(web, made, body, stamp=ahead),
        inbound(web, made, body, stamp="nonsense"),
        inbound(web, made, body, given="v1,AAAA"),
        inbound(web, made | {"id": "whe_unknown"}, body),
        inbound(web, made, {"nonsense": 1}, given="v1,AAAA"),
        web.client.post("/api/v1/inbound/feedback", json=body),
    ]
    assert {one.status_code for one in refused} == {401}
    assert {one.json()["code"] for one in refused} == {"bad_signature"}
    assert inbound(web, made, {"nonsense": 1}).status_code == 422


def test_a_platform_claims_a_push_once_and_nobody_elses(web: Web) -> None:
    made, push = platform(web)
    first = inbound(web, made, {"push_id": push["id"]}, route="claims", message_id="c")
    again = inbound(web, made, {"push_id": push["id"]}, route="claims", message_id="c")
    assert (first.status_code, again.status_code) == (201, 200), first.text
    assert first.json() == {"push_id": push["id"], "feedback_id": None, "duplicate": False}
    seen = web.get(f"/pushes/{push['id']}", push["to"]).json()
    assert (seen["claimed_by"], seen["feedbacks"]) == (push["to"], [])
    pushes = web.get("/pushes", "city.coordinator", case_no=push["case_no"]).json()["items"]
    other = next(one for one in pushes if one["to"] != push["to"])
    assert inbound(web, made, {"push_id": other["id"]}, route="claims").status_code == 403
    assert inbound(web, made, {"push_id": 999_999}, route="claims").status_code == 404
    assert inbound(web, made, {"push_id": push["id"]}, route="claims", given="v1,AAAA").status_code == 401


def test_a_platform_answers_for_its_own_group_only(web: Web) -> None:
    made, push = platform(web)
    other = next(
        one
        for one in web.get("/pushes", "city.coordinator", case_no=push["case_no"]).json()["items"]
        if one["to"] != push["to"]
    )
    foreign = inbound(web, made, {"push_id": other["id"], "kind": "penalty", "text": "罚款"})
    assert foreign.status_code == 403
    assert inbound(web, made, {"push_id": 999_999, "kind": "penalty", "text": "罚款"}).status_code == 404


def test_a_platform_gets_the_pushes_of_its_group_only(web: Web, receiver: Receiver) -> None:
    subscribe(web, receiver, "push.sent", acts_for="xingguo.supervisor")
    closed_case(web)
    send(web)
    assert [one["data"]["to"] for one in receiver.inbox.of("push.sent")] == ["xingguo.supervisor"]


def test_an_ended_subscription_gets_nothing_more(web: Web, receiver: Receiver) -> None:
    made = subscribe(web, receiver, "filing.*")
    with web.database.transaction() as session:
        subscriptions.publish(session, "filing.filed", "filing:9", FILING, machine_now())
    gone = web.client.delete(f"/api/v1/webhooks/{made['id']}", headers=web.headers(ADMIN))
    assert gone.status_code == 204
    send(web)
    assert receiver.inbox.attempts == []
    with web.database.reading() as session:
        left = session.exec(select(WebhookDelivery).where(WebhookDelivery.endpoint_id == made["id"])).all()
    assert {one.status for one in left} == {DeliveryStatus.DEAD}
