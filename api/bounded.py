"""A request whose body is read as it comes, and never beyond a bound."""

from collections.abc import AsyncGenerator

from fastapi import Request

from api.refusals import BodyTooLarge


class BoundedRequest(Request):
    """A request that takes at most ``max_body_bytes`` of body, however it is read: in pieces, whole, or as a form."""

    max_body_bytes: int = 0

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """Yield the body's pieces; raise ``BodyTooLarge`` as soon as it is, or is declared, longer than is taken."""
        declared = self.headers.get("content-length", "")
        if declared.isdecimal() and int(declared[:20]) > self.max_body_bytes:
            raise BodyTooLarge
        taken = 0
        async for piece in super().stream():
            taken += len(piece)
            if taken > self.max_body_bytes:
                raise BodyTooLarge
            yield piece
