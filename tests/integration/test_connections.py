"""Requests that never become one: heads without end, half-sent requests, too many connections."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from api import connections
from tests.databases import Databases
from tests.integration.listening import Listening, everything_from, listening

MEGABYTE = 1024 * 1024


@pytest.fixture
def web(databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Listening]:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.5)
    monkeypatch.setattr(connections, "BODY_SECONDS", 0.5)
    with listening(databases, tmp_path / "state") as served:
        yield served


def sent_and_answered(web: Listening, content: bytes) -> bytes:
    with web.open() as connection:
        connection.sendall(content)
        return everything_from(connection)


def test_a_head_of_sixty_megabytes_is_refused_and_holds_nobody_up(web: Listening) -> None:
    """Somebody who only sends is answered once and cut off; the others are served while he sends."""
    refused = threading.Event()
    sent = 0

    def send() -> None:
        nonlocal sent
        with web.open() as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: ")
            piece = b"a" * MEGABYTE
            with suppress(BrokenPipeError, ConnectionResetError):
                for _ in range(60):
                    connection.sendall(piece)
                    sent += 1
            if everything_from(connection).startswith(b"HTTP/1.1 431 "):
                refused.set()

    sender = threading.Thread(target=send)
    sender.start()
    answers = [web.client.get("/healthz")]
    while sender.is_alive():
        answers.append(web.client.get("/healthz"))
    sender.join()
    assert {answer.status_code for answer in answers} == {200}
    assert max(answer.elapsed.total_seconds() for answer in answers) < 5
    assert refused.is_set() or sent < 60


def test_a_head_too_long_is_told_so(web: Listening) -> None:
    longest = connections.HEAD_BYTES
    for field in (b"X: " + b"a" * longest, b"\r\n".join(b"X-%d: a" % n for n in range(connections.HEAD_FIELDS))):
        answer = sent_and_answered(web, b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + field + b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 431 ")
        assert b"application/problem+json" in answer
        assert b'"head_too_large"' in answer
        assert answer.count(b"HTTP/1.1") == 1


def test_a_head_at_the_bound_is_read(web: Listening) -> None:
    begin, end = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: ", b"\r\n\r\n"
    longest = connections.HEAD_BYTES - len(begin) - len(end)
    assert sent_and_answered(web, begin + b"a" * longest + end).startswith(b"HTTP/1.1 200 ")
    assert sent_and_answered(web, begin + b"a" * (longest + 1) + end).startswith(b"HTTP/1.1 431 ")


def test_what_follows_a_body_in_chunks_is_bounded_too(web: Listening) -> None:
    head = b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    chunks = head + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n"
    for rest in (b"0\r\nX: " + b"a" * 2 * connections.HEAD_BYTES, b"1;" + b"a" * 2 * connections.HEAD_BYTES):
        answer = sent_and_answered(web, chunks + rest)
        assert answer.startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 "))


def test_a_body_longer_than_any_route_takes_is_refused_while_it_comes(web: Listening) -> None:
    head = b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 99999999\r\n\r\n"
    with web.open() as connection, suppress(BrokenPipeError, ConnectionResetError):
        connection.sendall(head)
        for _ in range(99):
            connection.sendall(b"a" * MEGABYTE)
        pytest.fail("the whole body was taken")


@pytest.mark.parametrize(
    "half",
    [
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n",
        b"G",
        b"POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{",
    ],
)
def test_a_request_that_stops_half_way_is_ended(web: Listening, half: bytes) -> None:
    assert sent_and_answered(web, half).startswith(b"HTTP/1.1 408 ")


def test_a_connection_that_never_asks_is_ended_without_a_word(web: Listening) -> None:
    assert sent_and_answered(web, b"") == b""
    assert sent_and_answered(web, b"\r\n").startswith(b"HTTP/1.1 408 ")


def test_a_connection_is_used_again_and_an_upgrade_is_no_way_out(web: Listening) -> None:
    ask = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
    assert sent_and_answered(web, (ask + b"\r\n") * 2).count(b"HTTP/1.1 200 ") == 2
    upgrade = ask + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    assert sent_and_answered(web, upgrade).startswith(b"HTTP/1.1 200 ")


def test_a_body_that_comes_after_its_answer_ends_the_connection(web: Listening) -> None:
    head = b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\na"
    answer = sent_and_answered(web, head)
    assert answer.count(b"HTTP/1.1") == 1
    assert answer.startswith(b"HTTP/1.1 404 ")


def test_half_sent_requests_make_room_for_whole_ones(databases: Databases, tmp_path: Path) -> None:
    """With more connections than are kept open the oldest half of a request goes, and whole ones are served."""
    with listening(databases, tmp_path / "state", web_connections="20") as web, ExitStack() as halves:
        opened: list[socket.socket] = []
        for _ in range(30):
            opened.append(halves.enter_context(web.open()))
            opened[-1].sendall(b"GET /healthz HTTP/1.1\r\n")
            assert web.client.get("/healthz").status_code == 200
        assert everything_from(opened[0]) == b""
        opened[-1].sendall(b"Host: x\r\nConnection: close\r\n\r\n")
        assert everything_from(opened[-1]).startswith(b"HTTP/1.1 200 ")


def test_one_address_has_its_own_number_of_connections(databases: Databases, tmp_path: Path) -> None:
    with listening(databases, tmp_path / "state", web_connections_per_address="3") as web, ExitStack() as halves:
        opened = [halves.enter_context(web.open()) for _ in range(4)]
        assert everything_from(opened[0]) == b""
