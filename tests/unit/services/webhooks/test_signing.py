"""Signatures of webhooks, and which events a subscription covers."""

from datetime import timedelta

import pytest

from services.clock import machine_now
from services.webhooks import event_types, signing
from tests.receiver import signature


def test_a_signature_covers_id_time_and_body() -> None:
    secret, now = signing.new_secret(), machine_now()
    headers = signing.sign(secret, "msg_1", now, "{“名”}".encode())
    assert headers["webhook-signature"] == signature(
        secret, "msg_1", headers["webhook-timestamp"], "{“名”}".encode()
    ), "an independent receiver computes the same"
    assert signing.verify(secret, headers, "{“名”}".encode()) == "msg_1"
    for changed in (headers | {"webhook-id": "msg_2"}, headers | {"webhook-timestamp": str(int(now.timestamp()) + 1)}):
        with pytest.raises(signing.BadSignature):
            signing.verify(secret, changed, "{“名”}".encode())
    with pytest.raises(signing.BadSignature):
        signing.verify(secret, headers, b"[]")


@pytest.mark.parametrize("drift", [timedelta(minutes=4, seconds=58), timedelta(minutes=-4, seconds=-58)])
def test_a_message_is_taken_within_the_tolerance(drift: timedelta) -> None:
    secret = signing.new_secret()
    headers = signing.sign(secret, "msg_1", machine_now() + drift, b"{}")
    assert signing.verify(secret, headers, b"{}") == "msg_1"


@pytest.mark.parametrize("drift", [timedelta(minutes=5, seconds=2), timedelta(minutes=-5, seconds=-2)])
def test_a_message_is_refused_beyond_the_tolerance(drift: timedelta) -> None:
    secret = signing.new_secret()
    with pytest.raises(signing.BadSignature):
        signing.verify(secret, signing.sign(secret, "msg_1", machine_now() + drift, b"{}"), b"{}")


def test_one_of_several_signatures_suffices_while_a_secret_is_changed() -> None:
    old, new, now = signing.new_secret(), signing.new_secret(), machine_now()
    signed = [signing.sign(secret, "m", now, b"{}")["webhook-signature"] for secret in (old, new)]
    headers = signing.sign(old, "m", now, b"{}") | {"webhook-signature": " ".join(signed)}
    assert signing.verify(new, headers, b"{}") == "m"


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp", "webhook-signature"])
@pytest.mark.parametrize(
    "value", [None, "", " ", "v1", "v1,", "v1,不", "v1,a", "v2,AAAA", ",", "nan", "1e9", "９", "-1", "9" * 400]
)
def test_a_header_that_is_missing_or_no_such_thing_is_refused_and_never_a_fault(header: str, value: str | None) -> None:
    secret = signing.new_secret()
    headers = signing.sign(secret, "m", machine_now(), b"{}")
    del headers[header]
    with pytest.raises(signing.BadSignature):
        signing.verify(secret, headers if value is None else headers | {header: value}, b"{}")


def test_a_body_that_is_no_text_and_a_time_with_a_fraction_are_refused() -> None:
    secret = signing.new_secret()
    headers = signing.sign(secret, "m", machine_now(), b"{}")
    with pytest.raises(signing.BadSignature):
        signing.verify(secret, headers, b"\xff")
    with pytest.raises(signing.BadSignature):
        signing.verify(secret, headers | {"webhook-timestamp": headers["webhook-timestamp"] + ".5"}, b"{}")


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
