"""The HTTP endpoint the engine's Elasticsearch exporters write to: as much of that protocol as they use.

Each exporter keeps one connection and waits for each answer, so a thread a connection, which reads, applies
and answers without handing over, has the shortest way. ``POST /_bulk`` is answered with 200 after the commit,
with 503 when it failed (the exporter repeats it); templates and the like are acknowledged and ignored.
"""

import base64
import contextlib
import gzip
import hmac
import ipaddress
import socket
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

import structlog

from bridge.feed import ForeignLog
from bridge.projection.records import Bulk, MalformedBulk, parse_bulk

MAX_HEADERS = 100
MAX_LINE_BYTES = 65_536
MAX_BODY_BYTES = 256 * 1024 * 1024
BACKLOG = 64
STOP_TIMEOUT_SECONDS = 10.0
FAILURE_PAUSE_SECONDS = 0.2
"""Breath taken before a failure is answered, so that a repeating exporter does not burn a core."""
ACCEPTED = b'{"took":1,"errors":false,"items":[]}'
ACKNOWLEDGED = b'{"acknowledged":true,"version":{"number":"8.13.0"},"tagline":"You Know, for Search"}'
REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    413: "Content Too Large",
    503: "Service Unavailable",
}

log = structlog.get_logger(__name__)


class BadRequest(Exception):
    """The bytes are no request this endpoint understands; ``status`` says how so."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class UnsafeBinding(Exception):
    """The endpoint would be open to the network without credentials."""


@dataclass(frozen=True)
class Request:
    """One HTTP request with its body unpacked."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class ExporterEndpoint:
    """Serve exporters on ``bind`` (``host:port``) and hand each request's records to ``apply``."""

    def __init__(
        self,
        bind: str,
        apply: Callable[[Bulk], None],
        *,
        username: str | None = None,
        password: str | None = None,
    ) -> None:
        host, _, port = bind.rpartition(":")
        self._address = (host.strip("[]") or "127.0.0.1", int(port))
        self._apply = apply
        self._authorization: bytes | None = None
        if username and password:
            pair = base64.b64encode(f"{username}:{password}".encode())
            self._authorization = b"Basic " + pair
        elif not _is_loopback(self._address[0]):
            raise UnsafeBinding(f"FEED_BIND={bind} 不是本机回环地址：请同时设置 TONGQUAN_FEED_USERNAME 和 PASSWORD")
        self._listener: socket.socket | None = None
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self.last_error = ""

    @property
    def port(self) -> int:
        """Return the port listened on, of use when ``bind`` left the choice to the system."""
        if self._listener is None:
            raise RuntimeError("not started")
        return int(self._listener.getsockname()[1])

    @property
    def alive(self) -> bool:
        """Tell whether exporters can connect."""
        return self._listener is not None and not self._stopping.is_set()

    def start(self) -> None:
        """Listen and return; connections are served by threads of their own."""
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        self._listener = socket.create_server(self._address, family=family, backlog=BACKLOG)
        threading.Thread(target=self._accept, name="feed-accept", daemon=True).start()

    def stop(self) -> None:
        """Close the port, let requests under way finish, and return."""
        self._stopping.set()
        if self._listener is not None:
            # Closing alone would leave the accepting thread blocked on Linux.
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        with self._lock:
            connections = dict(self._connections)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RD)
            except OSError:
                continue
        deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
        for thread in connections.values():
            thread.join(max(0.0, deadline - time.monotonic()))

    def _accept(self) -> None:
        listener = self._listener
        while listener is not None and not self._stopping.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                if not self._stopping.is_set():
                    log.exception("feed.accept_failed")
                    time.sleep(FAILURE_PAUSE_SECONDS)
                continue
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            thread = threading.Thread(target=self._serve, args=(connection,), name="feed-exporter", daemon=True)
            with self._lock:
                self._connections[connection] = thread
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile("rb") as reader:
                while not self._stopping.is_set():
                    try:
                        request = read_request(reader, connection)
                    except BadRequest as exc:
                        connection.sendall(_response(exc.status, _problem(str(exc)), close=True))
                        return
                    if request is None:
                        return
                    status, body = self._answer(request)
                    connection.sendall(_response(status, body))
        except OSError as exc:
            log.info("feed.connection_lost", error=type(exc).__name__)
        finally:
            with self._lock:
                self._connections.pop(connection, None)

    def _answer(self, request: Request) -> tuple[int, bytes]:
        given = request.headers.get("authorization", "").encode()
        if self._authorization is not None and not hmac.compare_digest(given, self._authorization):
            return 401, _problem("credentials missing or wrong")
        if request.path.split("?", 1)[0] != "/_bulk":
            return 200, ACKNOWLEDGED
        try:
            self._apply(parse_bulk(request.body))
        except (MalformedBulk, ForeignLog) as exc:
            return self._failed(400 if isinstance(exc, MalformedBulk) else 503, exc)
        except Exception as exc:
            return self._failed(503, exc)
        self.last_error = ""
        return 200, ACCEPTED

    def _failed(self, status: int, exc: Exception) -> tuple[int, bytes]:
        """Note a failure; parameters of a failed statement may be personal data and stay out of the log."""
        frames = exc.__traceback__
        while frames is not None and frames.tb_next is not None:
            frames = frames.tb_next
        place = "" if frames is None else f"{frames.tb_frame.f_code.co_filename}:{frames.tb_lineno}"
        known = isinstance(exc, MalformedBulk | ForeignLog)
        self.last_error = str(exc) if known else f"{type(exc).__name__} {place}"
        log.error("feed.request_failed", error=self.last_error, kind=type(exc).__name__, place=place)
        time.sleep(FAILURE_PAUSE_SECONDS)
        return status, _problem(type(exc).__name__)


def read_request(reader: IO[bytes], connection: socket.socket | None = None) -> Request | None:
    """Read one request, its body chunked or not, gzipped or not; ``None`` when the peer has closed.

    Raises:
        BadRequest: the bytes are no such request.
    """
    line = reader.readline(MAX_LINE_BYTES)
    if not line:
        return None
    parts = line.split()
    if len(parts) != 3:
        raise BadRequest(400, "request line")
    headers = _read_headers(reader)
    if connection is not None and headers.get("expect", "").lower() == "100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = _read_body(reader, headers)
    if headers.get("content-encoding", "").lower() == "gzip":
        try:
            body = gzip.decompress(body)
        except (OSError, EOFError, zlib.error) as exc:
            raise BadRequest(400, "gzip body") from exc
    return Request(parts[0].decode("latin-1"), parts[1].decode("latin-1"), headers, body)


def _read_headers(reader: IO[bytes]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for _ in range(MAX_HEADERS):
        line = reader.readline(MAX_LINE_BYTES)
        if line in (b"\r\n", b"\n"):
            return headers
        name, colon, value = line.partition(b":")
        if not colon:
            raise BadRequest(400, "header")
        headers[name.strip().lower().decode("latin-1")] = value.strip().decode("latin-1")
    raise BadRequest(400, "too many headers")


def _read_body(reader: IO[bytes], headers: dict[str, str]) -> bytes:
    try:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return _read_chunks(reader)
        return _read_exactly(reader, int(headers.get("content-length", "0")))
    except ValueError as exc:
        raise BadRequest(400, "length") from exc


def _read_chunks(reader: IO[bytes]) -> bytes:
    chunks: list[bytes] = []
    total = 0
    while size := int(reader.readline(MAX_LINE_BYTES).split(b";", 1)[0], 16):
        total += size
        if total > MAX_BODY_BYTES:
            raise BadRequest(413, "body")
        chunks.append(_read_exactly(reader, size))
        reader.readline(MAX_LINE_BYTES)
    while reader.readline(MAX_LINE_BYTES) not in (b"\r\n", b"\n", b""):
        pass
    return b"".join(chunks)


def _read_exactly(reader: IO[bytes], size: int) -> bytes:
    if size < 0 or size > MAX_BODY_BYTES:
        raise BadRequest(413, "body")
    body = reader.read(size)
    if len(body) < size:
        raise BadRequest(400, "body cut short")
    return body


def _response(status: int, body: bytes, *, close: bool = False) -> bytes:
    head = (
        f"HTTP/1.1 {status} {REASONS[status]}\r\ncontent-type: application/json\r\n"
        f"X-elastic-product: Elasticsearch\r\ncontent-length: {len(body)}\r\n"
    )
    if status == 401:
        head += 'www-authenticate: Basic realm="feed"\r\n'
    return (head + ("connection: close\r\n\r\n" if close else "\r\n")).encode() + body


def _problem(message: str) -> bytes:
    return b'{"error":{"type":"tongquan","reason":"%s"}}' % message.encode("ascii", "replace").replace(b'"', b"'")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
