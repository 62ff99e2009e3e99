"""The exporter's endpoint over real sockets."""

import gzip
import http.client
import socket
from collections.abc import Iterator

import pytest

from bridge.exporter_endpoint import ExporterEndpoint, UnsafeBinding
from bridge.projection.records import Bulk
from tests.factories.bridge_records import Log, bulk_body


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
    serving = ExporterEndpoint("127.0.0.1:0", receiver, username="feed", password="s")
    serving.start()
    yield serving
    serving.stop()


@pytest.fixture
def connection(endpoint: ExporterEndpoint) -> Iterator[http.client.HTTPConnection]:
    opened = http.client.HTTPConnection("127.0.0.1", endpoint.port, timeout=5)
    yield opened
    opened.close()


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
    assert post(connection, gzip.compress(bodies[2]), **{"Content-Encoding": "gzip"}).status == 200
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


def test_an_open_port_without_credentials_is_refused(receiver: Receiver) -> None:
    with pytest.raises(UnsafeBinding):
        ExporterEndpoint("0.0.0.0:9299", receiver)
    ExporterEndpoint("0.0.0.0:9299", receiver, username="feed", password="s")


def test_stopping_frees_the_port_and_ends_idle_connections(receiver: Receiver) -> None:
    serving = ExporterEndpoint("127.0.0.1:0", receiver)
    serving.start()
    port = serving.port
    with socket.create_connection(("127.0.0.1", port), timeout=5) as idle:
        idle.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert idle.recv(1000).startswith(b"HTTP/1.1 200")
        serving.stop()
        assert idle.recv(10) == b""
    again = ExporterEndpoint(f"127.0.0.1:{port}", receiver)
    again.start()
    again.stop()
