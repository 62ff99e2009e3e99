"""The edge of the web: how much of a request is read before it is known to be one, for how long, from how many peers.

uvicorn's protocol over httptools bounds neither the head nor the time a request takes to arrive, and a field of many
megabytes is copied anew with each piece. Here a head of more than ``HEAD_BYTES`` or ``HEAD_FIELDS`` is 431, a
body longer than any route takes 413, and a request that makes no progress 408; each ends the connection. Connections
are counted, in all and for each address; when there are too many, the one with the oldest incomplete head is closed.
The reader of the exporters' requests keeps to the same bounds (ADR 13).
"""

import asyncio
from typing import Any, Final, cast

import orjson
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from api.problems import TYPE_PREFIX
from api.refusals import BodyTooLarge
from services.errors import TongquanError
from settings import get_settings

HEAD_BYTES: Final = 64 * 1024
"""The longest head; also the most that may come at a stretch without a byte of the body (chunk sizes, trailers)."""
HEAD_FIELDS: Final = 100
BODY_BYTES: Final = 8 * 1024 * 1024
"""More than any route takes but those of files; each refuses earlier, with its own limit."""
UPLOADS: Final = frozenset({b"/api/v1/files", b"/files"})
"""The same where the body is a file."""
HEAD_SECONDS: Final = 10.0
BODY_SECONDS: Final = 30.0
"""In each such period a body has to advance by ``BODY_PROGRESS`` bytes, or end."""
BODY_PROGRESS: Final = 16 * 1024
ANSWER_SECONDS: Final = 60.0
"""How long a client may leave an answer unread that no longer fits into the buffers."""
LINGER_SECONDS: Final = 2.0
"""How long a refused client may go on sending, unread, so that the answer reaches it."""

_SLICE: Final = 16 * 1024


class HeadTooLarge(TongquanError):
    """The request's head is longer than the product reads, or has too many fields (431)."""

    status, code, title, title_en = 431, "head_too_large", "请求头过长", "The request's head is too large"


class RequestTooSlow(TongquanError):
    """The request did not arrive in time (408)."""

    status, code, title, title_en = 408, "request_timeout", "请求未在规定时间内发送完毕", "The request came too slowly"


class BoundedProtocol(HttpToolsProtocol):
    """One connection, within bounds."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.opened_at = self.loop.time()
        self.awaits_head = True
        """No head has been read to its end since the connection was opened or last answered."""
        self._refused = False
        self._fields = 0
        self._silent_bytes = 0
        self._body_bytes = 0
        self._body_bytes_before = 0
        self._body_room = BODY_BYTES
        self._deadline: asyncio.TimerHandle | None = None
        self._answer_deadline: asyncio.TimerHandle | None = None

    @property
    def address(self) -> str:
        """Return the address of the peer itself, whoever it forwards for."""
        return self.client[0] if self.client is not None else ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count the connection, and make room when there are too many."""
        super().connection_made(transport)
        self._await(HEAD_SECONDS)
        settings = get_settings()
        others = [cast(BoundedProtocol, one) for one in self.connections]
        same = [one for one in others if one.address == self.address]
        if len(same) > settings.web_connections_per_address and not settings.trusts_proxy(self.address):
            _make_room(same, self)
        elif len(others) > settings.web_connections:
            _make_room(others, self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget every deadline."""
        self._cancel_deadline()
        self._cancel_answer_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, in pieces small enough to notice a head that is too long before more of it is read."""
        position = 0
        while position < len(data) and not self._refused and not self.transport.is_closing():
            if self.awaits_head and self._deadline is None:
                self._await(HEAD_SECONDS)
            room = HEAD_BYTES - self._silent_bytes
            if room <= 0:
                self._refuse(HeadTooLarge())
                return
            piece = data[position : position + min(room, _SLICE)]
            position += len(piece)
            self._silent_bytes += len(piece)
            super().data_received(piece)

    def on_message_begin(self) -> None:
        """Begin a head, with its fields uncounted."""
        super().on_message_begin()
        self._fields = self._body_bytes = self._body_bytes_before = 0
        self.awaits_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field of the head or of what follows a body in chunks; refuse one too many."""
        self._fields += 1
        if self._fields > HEAD_FIELDS:
            raise HeadTooLarge  # The parser stops and reports it as its own error; ``send_400_response`` answers.
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Await the body."""
        self.awaits_head, self._silent_bytes = False, 0
        self._await(BODY_SECONDS)
        self._body_room = get_settings().file_max_bytes + BODY_BYTES if self.url in UPLOADS else BODY_BYTES
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._silent_bytes = 0
        self._body_bytes += len(body)
        if self._body_bytes > self._body_room:
            self._refuse(BodyTooLarge())
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait for nothing any more: the request is there."""
        self._silent_bytes = 0
        self._cancel_deadline()
        super().on_message_complete()
        if self.cycle.response_complete:
            self._await_next()

    def on_response_complete(self) -> None:
        """Await the next head on the same connection."""
        super().on_response_complete()
        if not self.pipeline and self._deadline is None:
            self._await_next()

    def pause_writing(self) -> None:
        """Give the client time to take its answer."""
        super().pause_writing()
        self._answer_deadline = self.loop.call_later(ANSWER_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on answering."""
        self._cancel_answer_deadline()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Answer what the parser could not read, or was told not to."""
        if self._fields > HEAD_FIELDS:
            self._refuse(HeadTooLarge())
        else:
            super().send_400_response(msg)

    def _await_next(self) -> None:
        """Note that the connection is idle between two requests; uvicorn ends it when it is idle too long.

        It is not idle when something has come since the answer, the rest of a body for instance.
        """
        self.awaits_head, self.opened_at = True, self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._await(HEAD_SECONDS)

    def _await(self, seconds: float) -> None:
        self._cancel_deadline()
        self._deadline = self.loop.call_later(seconds, self._timed_out)

    def _timed_out(self) -> None:
        self._deadline = None
        if self.awaits_head:
            if self._silent_bytes:
                self._refuse(RequestTooSlow())
            else:
                self.transport.close()
        elif self.flow.read_paused or self._body_bytes - self._body_bytes_before >= BODY_PROGRESS:
            self._body_bytes_before = self._body_bytes
            self._await(BODY_SECONDS)
        else:
            self._refuse(RequestTooSlow())

    def _refuse(self, error: TongquanError) -> None:
        """Answer and end the connection; where the answer could be taken for another request's, only end it."""
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        self._cancel_deadline()
        self._unset_keepalive_if_required()
        under_way = self.cycle is not None and not self.cycle.response_complete
        if under_way is self.awaits_head or self.pipeline or (under_way and self.cycle.response_started):
            self.transport.abort()
            return
        if under_way:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.flow.resume_reading()
        self.transport.write(_answer(error))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._deadline = self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _cancel_answer_deadline(self) -> None:
        if self._answer_deadline is not None:
            self._answer_deadline.cancel()
            self._answer_deadline = None


def _make_room(connections: list[BoundedProtocol], newest: BoundedProtocol) -> None:
    """End the connection that has waited longest for a head; the newest when all the others are at work."""
    waiting = [one for one in connections if one.awaits_head and one is not newest]
    min(waiting, key=lambda one: one.opened_at, default=newest).transport.abort()


def _answer(error: TongquanError) -> bytes:
    body = orjson.dumps(
        {
            "type": f"{TYPE_PREFIX}{error.code}",
            "title": error.title,
            "status": error.status,
            "detail": error.detail,
            "code": error.code,
        }
    )
    head = (
        b"content-type: application/problem+json\r\ncontent-language: zh-CN\r\n"
        b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body)
    )
    return STATUS_LINE[error.status] + head + body
