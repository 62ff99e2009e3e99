"""A wire between a client and the engine that can be cut, or swallow what is sent."""

import contextlib
import socket
import threading

CHUNK = 65_536
CONNECT_SECONDS = 60.0


class Wire:
    """Listen on a loopback port and pass bytes on to ``target`` (``host:port``), both ways, as long as it is told to.

    While it swallows, connections stay open and nothing reaches either end; what was sent meanwhile is gone, so the
    connections are cut when it ends, as those through a router that lost its table.
    """

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._lock = threading.Lock()
        self._swallowing = threading.Event()
        threading.Thread(target=self._accept, name="wire", daemon=True).start()

    @property
    def address(self) -> str:
        """Return where to connect to."""
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def cut(self) -> None:
        """End every connection at once; new ones are taken."""
        with self._lock:
            pairs, self._pairs = self._pairs, set()
        for one in (one for pair in pairs for one in pair):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def swallow(self) -> None:
        """Let nothing through from now on, without a word to anybody."""
        self._swallowing.set()

    def pass_again(self) -> None:
        """Let new connections through."""
        self._swallowing.clear()
        self.cut()

    def close(self) -> None:
        """Take no more connections and end those there are."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                engine = socket.create_connection(self._target, timeout=CONNECT_SECONDS)
            except OSError:
                client.close()
                continue
            engine.settimeout(None)
            with self._lock:
                self._pairs.add((client, engine))
            for source, sink in ((client, engine), (engine, client)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                if not self._swallowing.is_set():
                    sink.sendall(data)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
