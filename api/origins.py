"""Where a request comes from, for endpoints that limit how often something may be tried."""

from typing import Annotated

from fastapi import Depends, Request

from services.entrance.origins import origin_of


async def _origin(request: Request) -> str:
    return origin_of(request.client.host if request.client is not None else None)


Origin = Annotated[str, Depends(_origin)]
"""The peer's address, or behind a trusted proxy its client's; see ``Settings.trusted_proxies``."""
