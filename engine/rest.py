"""A session with the engine's REST API, on which user tasks are completed and assigned: its sign-in, its bearer token,
its connections.

One request is one attempt here; that it is repeated, and what a refusal means for a command, is the gateway's.
"""

import os
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
import orjson

from engine.channel import OAuth
from engine.errors import EngineUnreachable

REQUEST_TIMEOUT_SECONDS = 10.0
"""How long one request may take."""
MAX_CONNECTIONS = 64
TOKEN_LEEWAY_SECONDS = 60.0
_SIGNED_OUT = frozenset({401, 403})
_MOMENTARY = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True)
class SignIn:
    """A session of the web application that runs in the engine's JVM and guards its REST API (Camunda with Operate)."""

    username: str
    password: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "SignIn | None":
        """Return the account, or ``None`` when the REST API asks for none."""
        username = environment.get("ZEEBE_REST_USERNAME")
        return cls(username, environment.get("ZEEBE_REST_PASSWORD", "")) if username else None

    async def open(self, client: aiohttp.ClientSession, address: str) -> dict[str, str]:
        """Sign in; the client keeps the cookie, the header against forged requests is returned."""
        form = {"username": self.username, "password": self.password}
        async with client.post(f"{address}/api/login", data=form) as response:
            if response.status >= 300:
                raise EngineUnreachable(f"REST sign-in: the application answered {response.status}")
            return {name: value for name, value in response.headers.items() if name.upper().endswith("CSRF-TOKEN")}


@dataclass(frozen=True)
class RestAnswer:
    """What the REST API answered: the status and the body."""

    status: int
    body: bytes

    @property
    def problem(self) -> str:
        """Return a refusal's message, cut to the length of a log line."""
        try:
            answer = orjson.loads(self.body)
        except ValueError:
            return self.body.decode(errors="replace")[:200]
        return str(answer.get("detail", answer))[:500] if isinstance(answer, dict) else str(answer)[:200]


class RestSession:
    """Send requests to one REST API; open it inside the loop that will use it."""

    def __init__(self, address: str, *, oauth: OAuth | None = None, sign_in: SignIn | None = None) -> None:
        self._address = address.rstrip("/")
        self._oauth = oauth
        self._sign_in = sign_in
        self._csrf: dict[str, str] = {}
        self._token = ("", 0.0)
        ca = os.environ.get("ZEEBE_CA_CERTIFICATE_PATH")
        self._client = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=MAX_CONNECTIONS, ssl=ssl.create_default_context(cafile=ca) if ca else True
            ),
            # A session's cookie is kept for an engine addressed by a bare IP too; without sign-in none is kept.
            cookie_jar=aiohttp.CookieJar(unsafe=True) if sign_in is not None else aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_SECONDS),
            trust_env=oauth is not None,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def request(self, method: str, path: str, content: bytes | None) -> RestAnswer:
        """Send one request, signed in anew where the application's session has ended; return the API's answer.

        Raises:
            EngineUnreachable: there is none, or one that may be another a moment later.
        """
        try:
            answer = await self._send(method, path, content)
            if answer.status in _SIGNED_OUT and self._sign_in is not None:
                self._csrf = await self._sign_in.open(self._client, self._address)
                answer = await self._send(method, path, content)
        except (aiohttp.ClientError, TimeoutError) as exc:
            raise EngineUnreachable(f"REST {path}: {type(exc).__name__} {exc}") from exc
        if answer.status in _MOMENTARY:
            raise EngineUnreachable(f"REST {path}: {answer.status} {answer.problem}")
        return answer

    async def _send(self, method: str, path: str, content: bytes | None) -> RestAnswer:
        url = self._address + path
        async with self._client.request(method, url, data=content, headers=await self._headers()) as response:
            return RestAnswer(response.status, await response.read())

    async def _headers(self) -> dict[str, str]:
        headers = {"content-type": "application/json", **self._csrf}
        if self._oauth is not None:
            headers["authorization"] = f"Bearer {await self._bearer(self._oauth)}"
        return headers

    async def _bearer(self, oauth: OAuth) -> str:
        token, until = self._token
        if time.monotonic() < until:
            return token
        form = {
            "grant_type": "client_credentials",
            "client_id": oauth.client_id,
            "client_secret": oauth.client_secret,
            "audience": oauth.audience,
        }
        async with self._client.post(oauth.url, data=form) as response:
            if response.status != 200:
                raise EngineUnreachable(f"OAuth: the authorization server answered {response.status}")
            answer = orjson.loads(await response.read())
        token = str(answer["access_token"])
        self._token = (token, time.monotonic() + float(answer.get("expires_in", 300)) - TOKEN_LEEWAY_SECONDS)
        return token
