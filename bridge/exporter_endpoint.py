"""The HTTP endpoint the engine's Elasticsearch exporters write to: as much of that protocol as they use.

Each exporter keeps one connection and waits for each answer, so one thread per connection, which reads, applies
and answers by itself, is the shortest way. ``POST /_bulk`` is answered with 200 after the commit,
with 503 when it failed (the exporter repeats it); templates and the like are acknowledged and ignored. Every
client must present the instance's own account, on this machine too, and only the two exporters' records are taken.
"""

import base64
import contextlib
import hmac
import socket
import threading
import time
from collections.abc import Callable
from datetime import datetime

import structlog

from bridge.exporter_requests import BODY_SECONDS, HEAD_SECONDS, BadRequest, Head, RequestReader
from bridge.feed import ForeignLog
from bridge.projection.records import Bulk, MalformedBulk, parse_bulk
from bridge.repeated import Last, last_record
from engine.exporters import EXPORTERS, FeedAccount
from services.clock import machine_now

BACKLOG = 64
STOP_TIMEOUT_SECONDS = 10.0
ANSWER_SECONDS = 10.0
"""How long a peer may take to read an answer."""
LINGER_SECONDS = 1.0
LINGER_BYTES = 16 * 1024 * 1024
"""What a refused peer may still send, to be discarded, so that the answer reaches it before the connection ends."""
FAILURE_PAUSE_SECONDS = 0.2
"""The pause before a failure is answered, so that a retrying exporter does not keep a core busy."""
UNKNOWN_EXPORTER = ""
ACCEPTED = b'{"took":1,"errors":false,"items":[]}'
ACKNOWLEDGED = b'{"acknowledged":true,"version":{"number":"8.13.0"},"tagline":"You Know, for Search"}'
REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    408: "Request Timeout",
    413: "Content Too Large",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}

log = structlog.get_logger(__name__)


class UnknownExporter(MalformedBulk):
    """The records come under another name than those of the product's two exporters."""


class ExporterEndpoint:
    """Serve exporters on ``bind`` (``host:port``) and hand each request's records to ``apply``.

    A request of which ``has_taken`` says that it has been applied before is acknowledged unread.
    """

    def __init__(
        self,
        bind: str,
        apply: Callable[[Bulk], None],
        *,
        account: FeedAccount,
        has_taken: Callable[[Last], bool] = lambda _last: False,
        head_seconds: float = HEAD_SECONDS,
        body_seconds: float = BODY_SECONDS,
    ) -> None:
        host, _, port = bind.rpartition(":")
        self._address = (host.strip("[]") or "127.0.0.1", int(port))
        self._apply = apply
        self._has_taken = has_taken
        self._head_seconds, self._body_seconds = head_seconds, body_seconds
        self._authorization = b"Basic " + base64.b64encode(f"{account.username}:{account.password}".encode())
        self._listener: socket.socket | None = None
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._errors: dict[str, str] = {}
        self.refused_at: datetime | None = None
        """When a client last presented wrong credentials, by the machine's clock."""

    @property
    def last_error(self) -> str:
        """Return why each exporter's last request failed; empty when all went well."""
        with self._lock:
            return "；".join(self._errors.values())

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
        reader = RequestReader(connection, head_seconds=self._head_seconds, body_seconds=self._body_seconds)
        try:
            with connection:
                try:
                    while not self._stopping.is_set() and (head := reader.head()) is not None:
                        if not self._knows(head):
                            self.refused_at = machine_now()
                            raise BadRequest(401, "credentials missing or wrong")
                        status, body = self._answer(head, reader.body(head))
                        _send(connection, _response(status, body))
                except BadRequest as exc:
                    log.warning("feed.request_refused", status=exc.status, reason=str(exc))
                    _send(connection, _response(exc.status, _problem(str(exc)), close=True))
                    _linger(connection)
        except OSError as exc:
            log.info("feed.connection_lost", error=type(exc).__name__)
        finally:
            with self._lock:
                self._connections.pop(connection, None)

    def _knows(self, head: Head) -> bool:
        """Tell whether the client may send records; what others send is not even read."""
        given = head.headers.get("authorization", "").encode()
        return hmac.compare_digest(given, self._authorization)

    def _answer(self, head: Head, content: bytes) -> tuple[int, bytes]:
        if head.path.split("?", 1)[0] != "/_bulk":
            return 200, ACKNOWLEDGED
        exporter = UNKNOWN_EXPORTER
        try:
            last = last_record(content)
            if last is not None and last.exporter in EXPORTERS and self._has_taken(last):
                exporter = last.exporter
            else:
                bulk = _of_the_product(parse_bulk(content))
                exporter = bulk.exporter
                self._apply(bulk)
        except (MalformedBulk, ForeignLog) as exc:
            return self._failed(exporter, 400 if isinstance(exc, MalformedBulk) else 503, exc)
        except Exception as exc:
            return self._failed(exporter, 503, exc)
        with self._lock:
            # Which exporter sent what could not be read at all is not known: any success ends that failure.
            for name in (exporter, UNKNOWN_EXPORTER):
                self._errors.pop(name, None)
        return 200, ACCEPTED

    def _failed(self, exporter: str, status: int, exc: Exception) -> tuple[int, bytes]:
        """Note a failure; parameters of a failed statement may be personal data and stay out of the log."""
        frames = exc.__traceback__
        while frames is not None and frames.tb_next is not None:
            frames = frames.tb_next
        place = "" if frames is None else f"{frames.tb_frame.f_code.co_filename}:{frames.tb_lineno}"
        known = isinstance(exc, MalformedBulk | ForeignLog)
        error = str(exc) if known else f"{type(exc).__name__} {place}"
        with self._lock:
            self._errors[exporter] = error
        log.error("feed.request_failed", exporter=exporter, error=error, kind=type(exc).__name__, place=place)
        time.sleep(FAILURE_PAUSE_SECONDS)
        return status, _problem(type(exc).__name__)


def _of_the_product(bulk: Bulk) -> Bulk:
    """Return a request's records; one exporter's positions say nothing about another's, so a third is refused."""
    if bulk.exporter not in EXPORTERS:
        raise UnknownExporter(
            f"导出器 {bulk.exporter[:64]!r} 不是本系统的：索引前缀只能是 {'、'.join(sorted(EXPORTERS))}"
        )
    return bulk


def _send(connection: socket.socket, answer: bytes) -> None:
    connection.settimeout(ANSWER_SECONDS)
    connection.sendall(answer)


def _linger(connection: socket.socket) -> None:
    """Let a refused peer finish, for a while: closing with bytes unread would discard the answer."""
    connection.shutdown(socket.SHUT_WR)
    connection.settimeout(LINGER_SECONDS)
    until, left = time.monotonic() + LINGER_SECONDS, LINGER_BYTES
    with contextlib.suppress(TimeoutError):
        while left > 0 and time.monotonic() < until and (received := connection.recv(65_536)):
            left -= len(received)


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
