"""The web behind a real socket: uvicorn as the product runs it, in a thread of the test's process."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import uvicorn

from api.__main__ import options
from api.application import create_app
from models.database import Database
from settings import get_settings
from tests.databases import Databases
from tests.integration.web import PASSWORD, web_over

ANSWER_SECONDS = 60.0


@dataclass
class Listening:
    """A listening web and what stands behind it."""

    port: int
    database: Database
    client: httpx.Client

    def open(self) -> socket.socket:
        """Open a connection of one's own."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=ANSWER_SECONDS)

    def sign_in(self, username: str, password: str = PASSWORD) -> httpx.Response:
        """Sign in by the API."""
        return self.client.post("/api/v1/login", json={"username": username, "password": password})

    def authorized(self, username: str) -> dict[str, str]:
        """Return the headers of a newly signed-in account."""
        return {"Authorization": f"Bearer {self.sign_in(username).json()['access_token']}"}


@contextmanager
def listening(databases: Databases, folder: Path, **settings: str) -> Iterator[Listening]:
    """Listen on a free port; ``settings`` are environment variables without the prefix."""
    with web_over(databases, folder, **settings) as web, socket.create_server(("127.0.0.1", 0), backlog=2048) as door:
        server = uvicorn.Server(uvicorn.Config(create_app(get_settings(), web.database), **options(get_settings())))
        thread = threading.Thread(target=server.run, args=([door],), daemon=True)
        thread.start()
        port = door.getsockname()[1]
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=ANSWER_SECONDS, trust_env=False) as client:
                assert client.get("/healthz").status_code == 200
                yield Listening(port, web.database, client)
        finally:
            server.should_exit = True
            thread.join()


def everything_from(connection: socket.socket) -> bytes:
    """Return what the peer sends until it ends the connection."""
    received = bytearray()
    with suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            received += piece
    return bytes(received)
