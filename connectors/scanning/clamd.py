"""ClamAV's daemon, asked over its socket.

Source: clamd(8), command ``INSTREAM``: chunks with a four-byte length in network order, an empty one ends; the answer
is ``stream: OK``, ``stream: NAME FOUND`` or a sentence ending in ``ERROR``.
"""

import socket
import struct
from contextlib import closing
from pathlib import Path

from connectors.scanning.base import ScannerFailed

TIMEOUT_SECONDS = 60.0
CHUNK_BYTES = 64 * 1024
LONGEST_ANSWER = 4096


class Clamd:
    """The daemon at ``host:port`` or at a socket's path; each question has a connection of its own."""

    def __init__(self, address: str) -> None:
        self._address = address

    def find_threat(self, file: Path) -> str | None:
        """Return the name of what was found in a file, None when it is clean."""
        try:
            with closing(self._connect()) as connection, file.open("rb") as content:
                connection.sendall(b"zINSTREAM\0")
                while chunk := content.read(CHUNK_BYTES):
                    connection.sendall(struct.pack("!I", len(chunk)) + chunk)
                connection.sendall(struct.pack("!I", 0))
                answer = _read(connection)
        except OSError as exc:
            raise ScannerFailed(f"{self._address}: {exc.strerror or exc}") from exc
        verdict = answer.removeprefix("stream:").strip()
        if verdict == "OK":
            return None
        if verdict.endswith(" FOUND"):
            return verdict.removesuffix(" FOUND")
        raise ScannerFailed(f"{self._address}: {answer[:200] or 'no answer'}")

    def _connect(self) -> socket.socket:
        host, colon, port = self._address.rpartition(":")
        if colon and port.isdecimal():
            return socket.create_connection((host.strip("[]"), int(port)), TIMEOUT_SECONDS)
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(TIMEOUT_SECONDS)
            connection.connect(self._address)
        except OSError:
            connection.close()
            raise
        return connection


def _read(connection: socket.socket) -> str:
    answer = b""
    while len(answer) < LONGEST_ANSWER and not answer.endswith(b"\0"):
        piece = connection.recv(LONGEST_ANSWER)
        if not piece:
            break
        answer += piece
    return answer.rstrip(b"\0").decode(errors="replace").strip()
