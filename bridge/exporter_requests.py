"""Read an exporter's HTTP requests from its connection: within bounds of size and of time (ADR 13)."""

import io
import socket
import time
import zlib
from dataclasses import dataclass
from typing import Any

MAX_HEAD_BYTES = 65_536
"""The request line and all headers together; an exporter's are about five hundred."""
MAX_HEADERS = 100
MAX_BODY_BYTES = 256 * 1024 * 1024
"""Of a body as it is sent, and as it is unpacked."""
MAX_CHUNK_LINE_BYTES = 256
HEAD_SECONDS = 10.0
"""How long a head may take from its first byte, and a new connection until its first request."""
BODY_SECONDS = 60.0


class BadRequest(Exception):
    """The bytes are not a request this endpoint takes; ``status`` says why not."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Head:
    """The first part of a request; the names of headers are in lower case."""

    method: str
    path: str
    headers: dict[str, str]


class _Stream(io.RawIOBase):
    """A connection's bytes, as far as they come before ``deadline`` (``time.monotonic``; None waits for ever)."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.deadline: float | None = None

    def readable(self) -> bool:
        """Return true."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what is there, waiting for it until the deadline; raise ``TimeoutError`` then."""
        left = None if self.deadline is None else self.deadline - time.monotonic()
        if left is not None and left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)


class RequestReader:
    """Reads the requests of one connection, one after the other: :meth:`head`, then :meth:`body`."""

    def __init__(
        self, connection: socket.socket, *, head_seconds: float = HEAD_SECONDS, body_seconds: float = BODY_SECONDS
    ) -> None:
        self._connection = connection
        self._stream = _Stream(connection)
        self._reader = io.BufferedReader(self._stream, 65_536)
        self._head_seconds = head_seconds
        self._body_seconds = body_seconds
        self._allow(head_seconds)

    def head(self) -> Head | None:
        """Return the next request's head; ``None`` when the peer has closed or never asked for anything.

        Between two requests a connection may rest as long as it likes: exporters keep theirs.

        Raises:
            BadRequest: no head, or too large a one (431), or it did not come in time (408).
        """
        try:
            if not self._reader.peek(1):
                return None
        except TimeoutError:
            return None
        self._allow(self._head_seconds)
        try:
            return self._read_head()
        except TimeoutError as exc:
            raise BadRequest(408, "head") from exc

    def body(self, head: Head) -> bytes:
        """Return the request's body, chunked or not, unpacked when it was gzipped.

        Raises:
            BadRequest: it is cut short, too large (413), not what its headers say, or did not come in time (408).
        """
        if head.headers.get("expect", "").lower() == "100-continue":
            self._connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._allow(self._body_seconds)
        try:
            body = self._read_body(head.headers)
        except TimeoutError as exc:
            raise BadRequest(408, "body") from exc
        except ValueError as exc:
            raise BadRequest(400, "length") from exc
        self._stream.deadline = None
        return _unpacked(body) if head.headers.get("content-encoding", "").lower() == "gzip" else body

    def _allow(self, seconds: float) -> None:
        self._stream.deadline = time.monotonic() + seconds

    def _read_head(self) -> Head:
        left = MAX_HEAD_BYTES
        line = self._head_line(left)
        left -= len(line)
        parts = line.split()
        if len(parts) != 3:
            raise BadRequest(400, "request line")
        headers: dict[str, str] = {}
        for _ in range(MAX_HEADERS + 1):
            line = self._head_line(left)
            left -= len(line)
            if line in (b"\r\n", b"\n"):
                return Head(parts[0].decode("latin-1"), parts[1].decode("latin-1"), headers)
            name, colon, value = line.partition(b":")
            if not colon:
                raise BadRequest(400, "header")
            headers[name.strip().lower().decode("latin-1")] = value.strip().decode("latin-1")
        raise BadRequest(431, "too many headers")

    def _head_line(self, left: int) -> bytes:
        line = self._reader.readline(left)
        if not line.endswith(b"\n"):
            raise BadRequest(431, "head") if len(line) >= left else BadRequest(400, "head cut short")
        return line

    def _read_body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self._read_chunks()
        return self._read_exactly(int(headers.get("content-length", "0")))

    def _read_chunks(self) -> bytes:
        body = bytearray()
        while size := int(self._chunk_line().split(b";", 1)[0], 16):
            body += self._read_exactly(size, room=MAX_BODY_BYTES - len(body))
            self._chunk_line()
        for _ in range(MAX_HEADERS + 1):
            if self._chunk_line() in (b"\r\n", b"\n", b""):
                return bytes(body)
        raise BadRequest(431, "too many trailers")

    def _chunk_line(self) -> bytes:
        return self._reader.readline(MAX_CHUNK_LINE_BYTES)

    def _read_exactly(self, size: int, room: int = MAX_BODY_BYTES) -> bytes:
        if not 0 <= size <= room:
            raise BadRequest(413, "body")
        body = self._reader.read(size)
        if len(body) < size:
            raise BadRequest(400, "body cut short")
        return body


def _unpacked(body: bytes) -> bytes:
    unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        content = unpacking.decompress(body, MAX_BODY_BYTES)
    except zlib.error as exc:
        raise BadRequest(400, "gzip body") from exc
    if unpacking.unconsumed_tail:
        raise BadRequest(413, "gzip body")
    if not unpacking.eof or unpacking.unused_data:
        raise BadRequest(400, "gzip body")
    return content
