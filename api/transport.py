"""How answers travel: in production over https only, and cached nowhere on the way or on a disk.

Everything is personal until its handler says otherwise. An answer without a ``Cache-Control`` of its own is
``no-store``; the static files, which hold nobody's data, keep the validators they come with.
"""

from typing import Final

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from settings import Settings

STATIC_PREFIX: Final = "/static/"
NO_STORE: Final = (b"cache-control", b"no-store")
NO_SNIFF: Final = (b"x-content-type-options", b"nosniff")
"""No browser guesses another content type than the declared one."""
HSTS: Final = (b"strict-transport-security", b"max-age=31536000")
"""A year (RFC 6797, 6.1), for this host alone: those below it may be other people's."""


def over_https(connection: HTTPConnection) -> bool:
    """Tell whether the client speaks https: by a trusted proxy's word, or because the site is declared to be so."""
    settings: Settings = connection.app.state.settings
    return connection.url.scheme == "https" or settings.behind_tls


def own_address(connection: HTTPConnection) -> str:
    """Return the site's address as people open it, without a slash at the end: the declared, else the requested one."""
    settings: Settings = connection.app.state.settings
    return (settings.public_url or str(connection.base_url)).rstrip("/")


class GuardedAnswers:
    """ASGI middleware that adds these headers; HSTS in production and over https alone (RFC 6797, 7.2)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and add what its answer lacks."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        secure = not connection.app.state.settings.development and over_https(connection)
        added = [NO_SNIFF, HSTS] if secure else [NO_SNIFF]
        keep = scope["path"].startswith(STATIC_PREFIX)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message["headers"], *added]
                if not keep and not any(name.lower() == NO_STORE[0] for name, _ in headers):
                    headers.append(NO_STORE)
                message["headers"] = headers
            await send(message)

        await self.app(scope, receive, send_guarded)
