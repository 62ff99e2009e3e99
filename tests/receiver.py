"""A reference receiver of webhooks: what an integrator's endpoint must do, over plain HTTP, in one file.

It needs nothing but the standard library, so that it can be copied. Run it by itself to see what arrives:

    python tests/receiver.py --port 9000 --secret whsec_…

It answers 204 to a genuine message it has not seen, 200 to a repetition (which it does not act upon), and 401 to
anything whose signature, age or headers are wrong.
"""

import argparse
import base64
import hashlib
import hmac
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOLERANCE_SECONDS = 300
LARGEST_BODY = 1024 * 1024


class NotGenuine(Exception):
    """The message is not from whom it says, or too old."""


def signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """Return what ``webhook-signature`` must be."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def check(secret: str, headers: Any, body: bytes, now: float) -> str:
    """Return the id of a genuine message; raise ``NotGenuine``."""
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message_id or not timestamp.isdecimal() or abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        raise NotGenuine("headers")
    expected = signature(secret, message_id, timestamp, body).encode()
    given = headers.get("webhook-signature", "").split()
    if not any(hmac.compare_digest(one.encode(), expected) for one in given):
        raise NotGenuine("signature")
    return str(message_id)


@dataclass
class Inbox:
    """What has arrived: each message once, by its id, and how often each was sent."""

    secret: str = ""
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    attempts: list[str] = field(default_factory=list)
    refused: int = 0
    fail_next: int = 0
    """How many requests to answer 503 before taking any."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, headers: Any, body: bytes) -> int:
        """Take one request and return the HTTP status to answer with."""
        with self.lock:
            if self.fail_next > 0:
                self.fail_next -= 1
                return 503
            try:
                message_id = check(self.secret, headers, body, time.time())
            except NotGenuine:
                self.refused += 1
                return 401
            self.attempts.append(message_id)
            if message_id in self.messages:
                return 200
            self.messages[message_id] = json.loads(body)
            return 204

    def of(self, event: str) -> list[dict[str, Any]]:
        """Return the payloads of one event in the order they came."""
        with self.lock:
            return [one for one in self.messages.values() if one["type"] == event]


class Receiver:
    """A server on a port of this machine, in a thread of its own."""

    def __init__(self, secret: str = "", port: int = 0) -> None:
        self.inbox = inbox = Inbox(secret)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = min(int(self.headers.get("content-length", "0")), LARGEST_BODY)
                self.send_response(inbox.take(self.headers, self.rfile.read(length)))
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Return the address to subscribe."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/webhooks"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> "Receiver":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def main() -> None:
    """Print each genuine message as it comes."""
    parser = argparse.ArgumentParser(description="Receive and check Tongquan's webhooks.")
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--secret", required=True)
    chosen = parser.parse_args()
    shown = 0
    with Receiver(chosen.secret, chosen.port) as receiver:
        print(receiver.url)  # noqa: T201
        while True:
            time.sleep(0.2)
            arrived = list(receiver.inbox.messages.values())
            for message in arrived[shown:]:
                print(json.dumps(message, ensure_ascii=False, indent=2), flush=True)  # noqa: T201
            shown = len(arrived)


if __name__ == "__main__":
    main()
