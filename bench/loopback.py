"""A plain HTTP client for JSON on one persistent connection: it takes as little of the measured machine as possible."""

import http.client
import json
import socket
import threading
from typing import Any
from urllib.parse import urlsplit


class UnexpectedAnswer(Exception):
    """The server answered with a status the benchmark cannot go on with."""


class Connection:
    """One thread's connection to ``base``; opened again when the server closed it."""

    def __init__(self, base: str, token: str | None = None, timeout: float = 60.0) -> None:
        parts = urlsplit(base)
        self._prefix = parts.path.rstrip("/")
        self._http = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=timeout)
        self._headers = {"content-type": "application/json"}
        if token is not None:
            self._headers["authorization"] = f"Bearer {token}"

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Return the status and the parsed body (``None`` when empty)."""
        content = None if body is None else json.dumps(body).encode()
        sent = self._headers | {name.replace("_", "-"): value for name, value in headers.items()}
        for attempt in (1, 2):
            try:
                if self._http.sock is None:
                    self._http.connect()
                    connected: Any = self._http.sock
                    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._http.request(method, self._prefix + path, content, sent)
                answer = self._http.getresponse()
                text = answer.read()
                return answer.status, json.loads(text) if text else None
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                self._http.close()
                if attempt == 2:
                    raise
        raise AssertionError("unreachable")

    def get(self, path: str) -> Any:
        """Return the body of a GET; anything but 200 raises ``UnexpectedAnswer``."""
        status, body = self.send("GET", path)
        if status != 200:
            raise UnexpectedAnswer(f"GET {path}: {status} {body}")
        return body


class PerThread:
    """The connections of one account, one for each thread that asks."""

    def __init__(self, base: str, token: str | None = None) -> None:
        self._base, self._token = base, token
        self._local = threading.local()

    @property
    def connection(self) -> Connection:
        """Return the calling thread's connection."""
        if not hasattr(self._local, "connection"):
            self._local.connection = Connection(self._base, self._token)
        found: Connection = self._local.connection
        return found
