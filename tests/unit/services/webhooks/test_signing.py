"""Signatures of webhooks, and which events a subscription covers."""

from datetime import timedelta

import pytest

from services.clock import machine_now
from services.webhooks import event_types, signing
from tests.receiver import signature


def test_a_signature_covers_id_time_and_body() -> None:
    secret, now = signing.new_secret(), machine_now()
    headers = signing.sign(secret, "msg_1", now, b"{}")
    assert headers["webhook-signature"] == signature(secret, "msg_1", headers["webhook-timestamp"], b"{}")
    assert signing.verify(secret, headers, b"{}", now) == "msg_1"
    for changed in (headers | {"webhook-id": "msg_2"}, headers | {"webhook-timestamp": str(int(now.timestamp()) + 1)}):
        with pytest.raises(signing.BadSignature):
            signing.verify(secret, changed, b"{}", now)
    with pytest.raises(signing.BadSignature):
        signing.verify(secret, headers, b"[]", now)


def test_a_message_is_refused_outside_the_tolerance_and_taken_within() -> None:
    secret, now = signing.new_secret(), machine_now()
    headers = signing.sign(secret, "msg_1", now, b"{}")
    within, beyond = timedelta(minutes=4, seconds=58), timedelta(minutes=5, seconds=2)
    for drift in (within, -within):
        assert signing.verify(secret, headers, b"{}", now + drift) == "msg_1"
    for drift in (beyond, -beyond):
        with pytest.raises(signing.BadSignature):
            signing.verify(secret, headers, b"{}", now + drift)


def test_one_of_several_signatures_suffices_while_a_secret_is_changed() -> None:
    old, new, now = signing.new_secret(), signing.new_secret(), machine_now()
    signed = [signing.sign(secret, "m", now, b"{}")["webhook-signature"] for secret in (old, new)]
    headers = signing.sign(old, "m", now, b"{}") | {"webhook-signature": " ".join(signed)}
    assert signing.verify(new, headers, b"{}", now) == "m"


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
    assert all(event_types.is_subscribable(one) for one in subscribed)
    assert event_types.wants(subscribed, event) is wanted


@pytest.mark.parametrize(
    "name", ["", "push", "push.", "nonsense.*", "push.nonsense", "*.sent", "filing.a b", "filing.nonsense"]
)
def test_an_unknown_event_cannot_be_subscribed(name: str) -> None:
    assert not event_types.is_subscribable(name)


@pytest.mark.parametrize("name", ["nonsense.happened", "filing.nonsense", "push.*"])
def test_an_event_that_does_not_exist_is_a_fault_of_ours(name: str) -> None:
    with pytest.raises(ValueError, match="unknown event"):
        event_types.data_class(name)
