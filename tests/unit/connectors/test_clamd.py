"""ClamAV's daemon is asked in its own words, over a real socket."""

import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectors.scanning import ScannerFailed, scanner_at

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


class Daemon(socketserver.StreamRequestHandler):
    """Enough of clamd: ``INSTREAM`` until the empty chunk, then the verdict."""

    def handle(self) -> None:
        assert self.rfile.read(10) == b"zINSTREAM\0"
        content = b""
        while size := struct.unpack("!I", self.rfile.read(4))[0]:
            content += self.rfile.read(size)
        self.wfile.write(self.server.answer(content))  # type: ignore[attr-defined]


def verdict(content: bytes) -> bytes:
    """Return what clamd says of some content."""
    return b"stream: Eicar-Test-Signature FOUND\0" if EICAR in content else b"stream: OK\0"


@pytest.fixture
def daemon() -> Iterator[Callable[[Callable[[bytes], bytes]], str]]:
    servers: list[socketserver.ThreadingTCPServer] = []

    def listen(answer: Callable[[bytes], bytes]) -> str:
        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Daemon)
        server.answer = answer  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"127.0.0.1:{server.server_address[1]}"

    yield listen
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(("more", "threat"), [(b"", None), (EICAR, "Eicar-Test-Signature")])
def test_a_file_of_many_chunks_is_scanned_to_its_end(
    daemon: Callable[..., str], tmp_path: Path, more: bytes, threat: str | None
) -> None:
    scanner = scanner_at(daemon(verdict))
    assert scanner is not None
    file = tmp_path / "file"
    file.write_bytes(b"%PDF-" + b"x" * 300_000 + more)
    assert scanner.find_threat(file) == threat


@pytest.mark.parametrize("answer", [b"", b"INSTREAM size limit exceeded. ERROR\0", b"stream: perhaps\0"])
def test_an_answer_that_says_nothing_certain_is_a_failure(
    daemon: Callable[..., str], tmp_path: Path, answer: bytes
) -> None:
    scanner = scanner_at(daemon(lambda _: answer))
    assert scanner is not None
    (tmp_path / "file").write_bytes(b"%PDF-")
    with pytest.raises(ScannerFailed):
        scanner.find_threat(tmp_path / "file")


def test_no_daemon_is_a_failure_and_no_address_is_no_scanner(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"%PDF-")
    scanner = scanner_at(str(tmp_path / "no.sock"))
    assert scanner is not None
    with pytest.raises(ScannerFailed):
        scanner.find_threat(tmp_path / "file")
    assert scanner_at("") is None
