"""A city library for development and tests: a real HTTP server over an SQLite database of its own.

It keeps what the city's would: one record a certificate, with its version. A request named as one before is answered
as that one was; a version older than the kept one changes nothing.
"""

import json
import sqlite3
import threading
from contextlib import closing
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

LARGEST_BODY = 256 * 1024
_PREFIX = "/certificates/"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS certificate (number TEXT PRIMARY KEY, version INTEGER NOT NULL, record TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS request (id TEXT PRIMARY KEY, number TEXT NOT NULL);
"""


class StandIn:
    """A library that keeps its records in a file; it can be stopped and started again, on the same port."""

    def __init__(self, file: Path, port: int = 0) -> None:
        self.file = file
        self._port = port
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Return the base address; the port is chosen at the first start and kept."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Listen on loopback."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with closing(self.connect()) as connection:
            connection.executescript(_SCHEMA)
        store = self

        class Handler(_Handler):
            library = store

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._server.daemon_threads = True
        self._port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="city-library", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Answer no more; what was kept stays."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def keep(self, number: str, version: int, request_id: str, record: dict[str, Any]) -> None:
        """Keep a version of a certificate, unless the request was made before or a newer one is kept."""
        with closing(self.connect()) as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            if connection.execute("SELECT 1 FROM request WHERE id = ?", (request_id,)).fetchone() is not None:
                return
            connection.execute("INSERT INTO request (id, number) VALUES (?, ?)", (request_id, number))
            connection.execute(
                "INSERT INTO certificate (number, version, record) VALUES (?, ?, ?) ON CONFLICT (number) DO UPDATE"
                " SET version = excluded.version, record = excluded.record WHERE excluded.version > version",
                (number, version, json.dumps(record, ensure_ascii=False)),
            )

    def find(self, number: str) -> tuple[int, dict[str, Any]] | None:
        """Return the version and the record kept of a certificate, or None."""
        with closing(self.connect()) as connection:
            row = connection.execute("SELECT version, record FROM certificate WHERE number = ?", (number,)).fetchone()
        return (int(row[0]), json.loads(row[1])) if row is not None else None

    def connect(self) -> sqlite3.Connection:
        """Return a connection to the records, as a fault at the library would have it."""
        return sqlite3.connect(self.file, timeout=30, isolation_level=None)


class _Handler(BaseHTTPRequestHandler):
    """One request; each has a connection to the database of its own."""

    library: StandIn
    server_version = "city-library-stand-in"
    timeout = 30

    def do_PUT(self) -> None:
        number, request_id = self._number(), self.headers.get("Idempotency-Key", "")
        length = self.headers.get("Content-Length", "")
        if number is None or not request_id or not length.isdecimal() or int(length) > LARGEST_BODY:
            self._answer(HTTPStatus.BAD_REQUEST, {})
            return
        try:
            body = json.loads(self.rfile.read(int(length)))
            version, record = int(body["version"]), dict(body["record"])
        except (ValueError, KeyError, TypeError):
            self._answer(HTTPStatus.BAD_REQUEST, {})
            return
        self.library.keep(number, version, request_id, record)
        self._answer(HTTPStatus.OK, {"number": number})

    def do_GET(self) -> None:
        number = self._number()
        found = self.library.find(number) if number is not None else None
        if found is None:
            self._answer(HTTPStatus.NOT_FOUND, {})
        else:
            self._answer(HTTPStatus.OK, {"version": found[0], "record": found[1]})

    def log_message(self, *_: Any) -> None:
        """Say nothing: what is asked of it is a person's data."""

    def _number(self) -> str | None:
        return unquote(self.path.removeprefix(_PREFIX)) if self.path.startswith(_PREFIX) else None

    def _answer(self, status: HTTPStatus, body: dict[str, Any]) -> None:
        content = json.dumps(body, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
