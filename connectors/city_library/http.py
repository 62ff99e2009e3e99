"""The city library over HTTP.

``PUT {base}/certificates/{number}`` with ``Idempotency-Key`` and the body ``{version, record}`` keeps a version;
``GET`` of the same address answers ``{version, record}`` or 404. The city has published no interface of its own: where
it has another, this module is what changes [decision].
"""

from typing import Any
from urllib.parse import quote

import httpx

from connectors.city_library.base import LibraryFailed

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 10.0
LARGEST_ANSWER = 256 * 1024


class HttpLibrary:
    """The library at a base address, opened by a bearer token where it asks for one."""

    def __init__(self, base: str, token: str = "") -> None:
        self._base = base.rstrip("/")
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            headers={"authorization": f"Bearer {token}"} if token else {},
            follow_redirects=False,
            trust_env=False,
        )

    async def put(self, number: str, version: int, request_id: str, record: dict[str, Any]) -> None:
        """Have the library keep a version of a certificate."""
        body = {"version": version, "record": record}
        answer = await self._ask("PUT", number, json=body, headers={"idempotency-key": request_id})
        if not answer.is_success:
            raise LibraryFailed(f"HTTP {answer.status_code}")

    async def find(self, number: str) -> dict[str, Any] | None:
        """Return what the library keeps of a certificate."""
        answer = await self._ask("GET", number)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        if not answer.is_success or len(answer.content) > LARGEST_ANSWER:
            raise LibraryFailed(f"HTTP {answer.status_code}")
        try:
            record = answer.json()["record"]
        except (ValueError, KeyError, TypeError) as exc:
            raise LibraryFailed("the answer is not what was agreed") from exc
        if not isinstance(record, dict):
            raise LibraryFailed("the answer is not what was agreed")
        return record

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _ask(self, method: str, number: str, **more: Any) -> httpx.Response:
        try:
            return await self._client.request(method, f"{self._base}/certificates/{quote(number, safe='')}", **more)
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            raise LibraryFailed(f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__) from exc
