"""Whatever becomes of the answer, and however often the same is sent, a submission is one case."""

import json
import socket
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.faults.parts import RECOVERY_SECONDS, assert_in_is_out, end, until_ready
from tests.instance import Instance, eventually

pytestmark = pytest.mark.engine

ITEM, AREA = "W-01", "xingguo"
AT_ONCE = 50
BUSY = frozenset({429, 503})
"""What a busy site answers; its clients ask again."""


def submit(instance: Instance, body: dict[str, Any], key: str) -> httpx.Response:
    """Submit at the window, again for as long as the site is busy."""
    client = instance.api(f"{AREA}.window")

    def answered() -> httpx.Response | None:
        answer = client.post("/cases", json=body, headers={"Idempotency-Key": key})
        return None if answer.status_code in BUSY else answer

    # An answer counts as true whatever its status, unlike httpx's own.
    return eventually(lambda: [answer] if (answer := answered()) else None, "an answer", RECOVERY_SECONDS)[0]


@contextmanager
def sent(instance: Instance, body: dict[str, Any], key: str) -> Iterator[socket.socket]:
    """Send a submission and yield the connection on which its answer comes; it is closed at the end, read or not."""
    client = instance.api(f"{AREA}.window")
    content = json.dumps(body).encode()
    address = urlsplit(instance.url)
    head = (
        f"POST /api/v1/cases HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: application/json\r\n"
        f"Authorization: {client.headers['Authorization']}\r\nIdempotency-Key: {key}\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    with socket.create_connection((str(address.hostname), address.port or 80)) as connection:
        connection.sendall(head.encode() + content)
        yield connection


def test_a_submission_sent_twice_across_a_crash_is_one_case(running: Instance) -> None:
    body = running.body(ITEM, AREA)
    first = submit(running, body, "across-a-crash")
    end(running, "web")
    until_ready(running, "the web's death")
    second = submit(running, body, "across-a-crash")
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["case_no"] == second.json()["case_no"]
    assert_in_is_out(running, [first.json()["case_no"]])


def test_a_submission_whose_answer_was_lost_is_found_again_by_its_key(running: Instance) -> None:
    body = running.body(ITEM, AREA)
    with sent(running, body, "answer-lost") as connection:
        # The first byte of an answer comes after the commit; the rest is never read.
        assert connection.recv(1) == b"H"
    again = submit(running, body, "answer-lost")
    assert again.status_code == 200, again.text
    assert_in_is_out(running, [again.json()["case_no"]])


def test_a_submission_whose_sender_goes_away_again_and_again_is_one_case(running: Instance) -> None:
    body = running.body(ITEM, AREA)
    for _ in range(5):
        with sent(running, body, "sender-gone"):
            pass
    answer = submit(running, body, "sender-gone")
    assert answer.status_code in (200, 201), answer.text
    assert_in_is_out(running, [answer.json()["case_no"]])


@pytest.mark.parametrize(("key", "refusal"), [("fifty", 200), ("fifty-{}", 409)], ids=["one key", "keys of their own"])
def test_fifty_identical_submissions_at_once_are_one_case(running: Instance, key: str, refusal: int) -> None:
    body = running.body(ITEM, AREA)
    with ThreadPoolExecutor(AT_ONCE) as clerks:
        answers = list(clerks.map(lambda number: submit(running, body, key.format(number)), range(AT_ONCE)))
    assert Counter(one.status_code for one in answers) == {201: 1, refusal: AT_ONCE - 1}
    (case_no,) = {one.json()["case_no"] for one in answers if one.is_success}
    assert_in_is_out(running, [case_no])
