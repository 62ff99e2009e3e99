"""The exporter's endpoint over real sockets."""

import contextlib
import gzip
import http.client
import socket
from collections.abc import Iterator

import pytest

from bridge import exporter_requests
from bridge.exporter_endpoint import ExporterEndpoint
from bridge.exporter_requests import MAX_HEAD_BYTES
from bridge.projection.records import Bulk
from engine.exporters import FeedAccount
from tests.factories.bridge_records import Log, bulk_body

ACCOUNT = FeedAccount("feed", "s")


class Receiver:
    def __init__(self) -> None:
        self.bulks: list[Bulk] = []
        self.failures: list[Exception] = []

    def __call__(self, bulk: Bulk) -> None:
        if self.failures:
            raise self.failures.pop()
        self.bulks.append(bulk)


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def endpoint(receiver: Receiver) -> Iterator[ExporterEndpoint]:
    serving = ExporterEndpoint("127.0.0.1:0", receiver, account=ACCOUNT)
    serving.start()
    yield serving
    serving.stop()


@pytest.fixture
def connection(endpoint: ExporterEndpoint) -> Iterator[http.client.HTTPConnection]:
    opened = http.client.HTTPConnection("127.0.0.1", endpoint.port, timeout=5)
    yield opened
    opened.close()


@contextlib.contextmanager
def impatient(receiver: Receiver) -> Iterator[ExporterEndpoint]:
    """Serve with little time for each request."""
    serving = ExporterEndpoint("127.0.0.1:0", receiver, account=ACCOUNT, head_seconds=0.3, body_seconds=0.3)
    serving.start()
    yield serving
    serving.stop()


def everything(client: socket.socket) -> bytes:
    """Return what arrives until the connection ends."""
    parts: list[bytes] = []
    while part := client.recv(65_536):
        parts.append(part)
    return b"".join(parts)


HEADERS = {"Authorization": "Basic ZmVlZDpz", "Content-Type": "application/x-ndjson"}


def post(connection: http.client.HTTPConnection, body: bytes, **headers: str) -> http.client.HTTPResponse:
    connection.request("POST", "/_bulk", body, {**HEADERS, **headers})
    answer = connection.getresponse()
    answer.read()
    return answer


def test_plain_chunked_and_gzipped_bodies_arrive_over_one_connection(
    connection: http.client.HTTPConnection, receiver: Receiver
) -> None:
    log = Log()
    bodies = [bulk_body([log.task("CREATED", key, 1)]) for key in (20, 30, 40)]
    assert post(connection, bodies[0]).status == 200
    local = connection.sock.getsockname()
    connection.request("POST", "/_bulk", iter([bodies[1][:10], bodies[1][10:]]), HEADERS, encode_chunked=True)
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("X-elastic-product")) == (200, "Elasticsearch")
    assert answer.read() == b'{"took":1,"errors":false,"items":[]}'
    assert post(connection, gzip.compress(bodies[2], mtime=0), **{"Content-Encoding": "gzip"}).status == 200
    assert connection.sock.getsockname() == local
    assert [one.records[0].key for one in receiver.bulks] == [20, 30, 40]


def test_a_body_of_many_megabytes_arrives_whole(connection: http.client.HTTPConnection, receiver: Receiver) -> None:
    record = Log().task("CREATED", 20, 1)
    record.value["padding"] = "x" * 8_000_000
    assert post(connection, bulk_body([record])).status == 200
    assert len(receiver.bulks[0].records[0].value["padding"]) == 8_000_000


def test_a_failure_is_answered_503_without_detail_and_the_repetition_is_taken(
    connection: http.client.HTTPConnection, receiver: Receiver, endpoint: ExporterEndpoint
) -> None:
    receiver.failures.append(RuntimeError("parameters: 张三 362101…"))
    body = bulk_body([Log().task("CREATED", 20, 1)])
    assert post(connection, body).status == 503
    assert endpoint.last_error.startswith("RuntimeError")
    assert "张三" not in endpoint.last_error
    assert post(connection, body).status == 200
    assert endpoint.last_error == ""


def test_one_exporters_success_does_not_hide_the_others_failure(
    connection: http.client.HTTPConnection, receiver: Receiver, endpoint: ExporterEndpoint
) -> None:
    receiver.failures.append(RuntimeError())
    record = Log().task("CREATED", 20, 1)
    assert post(connection, bulk_body([record])).status == 503
    assert post(connection, bulk_body([record], exporter="tq-history")).status == 200
    assert endpoint.last_error.startswith("RuntimeError")
    assert post(connection, bulk_body([record])).status == 200
    assert endpoint.last_error == ""


def test_nonsense_in_a_bulk_is_told_until_a_request_is_taken(
    connection: http.client.HTTPConnection, endpoint: ExporterEndpoint
) -> None:
    assert post(connection, b"nonsense\n").status == 400
    assert endpoint.last_error
    assert post(connection, bulk_body([Log().task("CREATED", 20, 1)])).status == 200
    assert endpoint.last_error == ""


def test_wrong_credentials_are_refused(connection: http.client.HTTPConnection, receiver: Receiver) -> None:
    assert post(connection, b"", Authorization="Basic eDp5").status == 401
    assert receiver.bulks == []


def test_templates_are_acknowledged(connection: http.client.HTTPConnection) -> None:
    connection.request("PUT", "/_index_template/tq-feed_job", b"{}", HEADERS)
    assert connection.getresponse().status == 200


def test_nonsense_is_a_bad_request_and_ends_the_connection(endpoint: ExporterEndpoint) -> None:
    with socket.create_connection(("127.0.0.1", endpoint.port), timeout=5) as client:
        client.sendall(b"nonsense\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "head",
    [
        b"POST /_bulk HTTP/1.1\r\nx: " + b"a" * 70_000,
        b"POST /" + b"a" * 70_000,
        b"POST /_bulk HTTP/1.1\r\n" + b"x-%d: y\r\n" * 101 % tuple(range(101)) + b"\r\n",
        b"POST /_bulk HTTP/1.1\r\n" + (b"x: " + b"a" * 1_000 + b"\r\n") * 70 + b"\r\n",
    ],
    ids=["a long header", "a long request line", "many headers", "many long headers"],
)
def test_a_head_that_is_too_large_is_refused_with_431_and_the_connection_ended(
    endpoint: ExporterEndpoint, head: bytes
) -> None:
    with socket.create_connection(("127.0.0.1", endpoint.port), timeout=5) as client:
        client.sendall(head)
        assert everything(client).startswith(b"HTTP/1.1 431 ")


def test_the_largest_head_that_is_allowed_is_taken(endpoint: ExporterEndpoint, receiver: Receiver) -> None:
    start, end = b"GET / HTTP/1.1\r\nauthorization: Basic ZmVlZDpz\r\nx: ", b"\r\n\r\n"
    with socket.create_connection(("127.0.0.1", endpoint.port), timeout=5) as client:
        client.sendall(start + b"a" * (MAX_HEAD_BYTES - len(start) - len(end)) + end)
        assert client.recv(1000).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"POST /_bulk HT", 408),
        (b"POST /_bulk HTTP/1.1\r\nauthorization: Basic ZmVlZDpz\r\n", 408),
        (b"POST /_bulk HTTP/1.1\r\nauthorization: Basic ZmVlZDpz\r\ncontent-length: 10\r\n\r\nabc", 408),
    ],
    ids=["a request line cut", "headers without end", "a body cut"],
)
def test_a_request_that_does_not_come_to_its_end_is_ended(receiver: Receiver, sent: bytes, status: int) -> None:
    with impatient(receiver) as serving, socket.create_connection(("127.0.0.1", serving.port), timeout=5) as client:
        client.sendall(sent)
        assert everything(client).startswith(f"HTTP/1.1 {status} ".encode())


def test_a_head_that_drips_byte_by_byte_is_ended_all_the_same(receiver: Receiver) -> None:
    with impatient(receiver) as serving, socket.create_connection(("127.0.0.1", serving.port), timeout=5) as client:
        client.settimeout(0.02)
        answer = b""
        for _ in range(200):
            with contextlib.suppress(TimeoutError):
                client.sendall(b"a")
                answer = client.recv(100)
                break
        assert answer.startswith(b"HTTP/1.1 408 ")


def test_a_connection_that_never_asks_is_closed_and_one_that_has_asked_may_rest(receiver: Receiver) -> None:
    with (
        impatient(receiver) as serving,
        socket.create_connection(("127.0.0.1", serving.port), timeout=5) as asking,
        socket.create_connection(("127.0.0.1", serving.port), timeout=5) as silent,
    ):
        request = b"GET / HTTP/1.1\r\nauthorization: Basic ZmVlZDpz\r\n\r\n"
        asking.sendall(request)
        assert asking.recv(1000).startswith(b"HTTP/1.1 200 ")
        assert everything(silent) == b"", "the silent one has waited longer than the other's rest may last"
        asking.sendall(request)
        assert asking.recv(1000).startswith(b"HTTP/1.1 200 ")


def test_a_stranger_is_refused_before_the_body_and_gets_the_answer_although_it_goes_on_sending(
    endpoint: ExporterEndpoint, receiver: Receiver
) -> None:
    with socket.create_connection(("127.0.0.1", endpoint.port), timeout=5) as client:
        client.sendall(b"POST /_bulk HTTP/1.1\r\ncontent-length: 99999999\r\n\r\n" + b"x" * 1_000_000)
        assert everything(client).startswith(b"HTTP/1.1 401 ")
    assert receiver.bulks == []


@pytest.mark.parametrize(
    ("framing", "body", "status"),
    [
        (b"content-length: 300000000", b"", 413),
        (b"content-length: -1", b"", 413),
        (b"content-length: many", b"", 400),
        (b"transfer-encoding: chunked", b"fffffffff\r\n", 413),
        (b"transfer-encoding: chunked", b"-5\r\n", 413),
        (b"transfer-encoding: chunked", b"no\r\n", 400),
        (b"transfer-encoding: chunked", b"0\r\n" + b"x: y\r\n" * 102, 431),
        (b"content-length: 3\r\ncontent-encoding: gzip", b"abc", 400),
        (b"content-length: 20\r\ncontent-encoding: gzip", gzip.compress(b"x" * 100, mtime=0)[:20], 400),
    ],
)
def test_a_body_that_is_too_large_or_not_what_its_head_says_is_refused(
    endpoint: ExporterEndpoint, framing: bytes, body: bytes, status: int
) -> None:
    head = b"POST /_bulk HTTP/1.1\r\nauthorization: Basic ZmVlZDpz\r\n" + framing + b"\r\n\r\n"
    with socket.create_connection(("127.0.0.1", endpoint.port), timeout=5) as client:
        client.sendall(head + body)
        assert everything(client).startswith(f"HTTP/1.1 {status} ".encode())


def test_a_small_body_that_unpacks_to_more_than_a_body_may_have_is_refused(
    connection: http.client.HTTPConnection, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporter_requests, "MAX_BODY_BYTES", 10_000)
    assert post(connection, gzip.compress(b"x" * 10_001, mtime=0), **{"Content-Encoding": "gzip"}).status == 413
    assert receiver.bulks == []


@pytest.mark.parametrize("header", [b"", b"authorization: Basic eDp5\r\n", b"authorization: ZmVlZDpz\r\n"], ids=str)
def test_nobody_on_this_machine_is_believed_without_the_instances_password(
    endpoint: ExporterEndpoint, receiver: Receiver, header: bytes
) -> None:
    forged = bulk_body([Log().task("UPDATED", 20, 1, candidateGroupsList=["yudu.approver"])])
    assert endpoint.refused_at is None
    with socket.create_connection(("127.0.0.1", endpoint.port), timeout=5) as client:
        length = str(len(forged)).encode()
        client.sendall(b"POST /_bulk HTTP/1.1\r\n" + header + b"content-length: " + length + b"\r\n\r\n" + forged)
        assert everything(client).startswith(b"HTTP/1.1 401 ")
    assert receiver.bulks == []
    assert endpoint.refused_at is not None


@pytest.mark.parametrize(("exporter", "status"), [("tq-feed", 200), ("tq-history", 200), ("mine", 400), ("", 400)])
def test_only_the_two_exporters_names_are_taken(
    connection: http.client.HTTPConnection,
    receiver: Receiver,
    endpoint: ExporterEndpoint,
    exporter: str,
    status: int,
) -> None:
    assert post(connection, bulk_body([Log().task("CREATED", 20, 1)], exporter)).status == status
    assert len(receiver.bulks) == (status == 200)
    assert ("不是本系统的" in endpoint.last_error) == (status == 400)


def test_stopping_frees_the_port_and_ends_idle_connections(receiver: Receiver) -> None:
    serving = ExporterEndpoint("127.0.0.1:0", receiver, account=ACCOUNT)
    serving.start()
    port = serving.port
    with socket.create_connection(("127.0.0.1", port), timeout=5) as idle:
        idle.sendall(b"GET / HTTP/1.1\r\nauthorization: Basic ZmVlZDpz\r\n\r\n")
        assert idle.recv(1000).startswith(b"HTTP/1.1 200")
        serving.stop()
        assert idle.recv(10) == b""
    again = ExporterEndpoint(f"127.0.0.1:{port}", receiver, account=ACCOUNT)
    again.start()
    again.stop()
