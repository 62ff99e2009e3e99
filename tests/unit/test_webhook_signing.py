"""Signatures of webhooks, and which events a subscription covers."""

from datetime import timedelta

import pytest

from services import webhook_events, webhook_signing
from services.clock import machine_now
from tests.receiver import signature


def test_a_signature_covers_id_time_and_body() -> None:
    secret, now = webhook_signing.new_secret(), machine_now()
    headers = webhook_signing.sign(secret, "msg_1", now, b"{}")
    assert headers["webhook-signature"] == signature(secret, "msg_1", headers["webhook-timestamp"], b"{}")
    assert webhook_signing.verify(secret, headers, b"{}", now) == "msg_1"
    for changed in (headers | {"webhook-id": "msg_2"}, headers | {"webhook-timestamp": str(int(now.timestamp()) + 1)}):
        with pytest.raises(webhook_signing.BadSignature):
            webhook_signing.verify(secret, changed, b"{}", now)
    with pytest.raises(webhook_signing.BadSignature):
        webhook_signing.verify(secret, headers, b"[]", now)


def test_a_message_is_refused_outside_the_tolerance_and_taken_within() -> None:
    secret, now = webhook_signing.new_secret(), machine_now()
    headers = webhook_signing.sign(secret, "msg_1", now, b"{}")
    within, beyond = timedelta(minutes=4, seconds=58), timedelta(minutes=5, seconds=2)
    for drift in (within, -within):
        assert webhook_signing.verify(secret, headers, b"{}", now + drift) == "msg_1"
    for drift in (beyond, -beyond):
        with pytest.raises(webhook_signing.BadSignature):
            webhook_signing.verify(secret, headers, b"{}", now + drift)


def test_one_of_several_signatures_suffices_while_a_secret_is_changed() -> None:
    old, new, now = webhook_signing.new_secret(), webhook_signing.new_secret(), machine_now()
    signed = [webhook_signing.sign(secret, "m", now, b"{}")["webhook-signature"] for secret in (old, new)]
    headers = webhook_signing.sign(old, "m", now, b"{}") | {"webhook-signature": " ".join(signed)}
    assert webhook_signing.verify(new, headers, b"{}", now) == "m"


@pytest.mark.parametrize(
    ("subscribed", "event", "wanted"),
    [
        (["*"], "push.sent", True),
        (["push.*"], "push.sent", True),
        (["push.sent"], "push.sent", True),
        (["push.claimed", "policy.*"], "push.sent", False),
        (["filing.*"], "filing.questioned", True),
    ],
)
def test_a_subscription_covers_events_families_and_all(subscribed: list[str], event: str, wanted: bool) -> None:
    assert all(webhook_events.is_subscribable(one) for one in subscribed)
    assert webhook_events.wants(subscribed, event) is wanted


@pytest.mark.parametrize(
    "name", ["", "push", "push.", "nonsense.*", "push.nonsense", "*.sent", "filing.a b", "filing.nonsense"]
)
def test_an_unknown_event_cannot_be_subscribed(name: str) -> None:
    assert not webhook_events.is_subscribable(name)


@pytest.mark.parametrize("name", ["nonsense.happened", "filing.nonsense", "push.*"])
def test_an_event_that_does_not_exist_is_a_fault_of_ours(name: str) -> None:
    with pytest.raises(ValueError, match="unknown event"):
        webhook_events.data_class(name)
