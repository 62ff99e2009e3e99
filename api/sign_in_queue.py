"""Where sign-ins wait: a bounded queue with threads of its own.

Argon2 takes a core and 64 MiB for a tenth of a second; were it to run in the threads that all requests share, a flood
of sign-ins would hold up everybody who is signed in. A sign-in that finds no room is told to try again later.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Final, TypeVar, cast

from fastapi import Depends, Request

from services.errors import TooManyRequests

RETRY_AFTER_SECONDS: Final = 5

Result = TypeVar("Result")


class SignInQueue:
    """The sign-ins of one web process; one origin takes up half the room at most."""

    def __init__(self, threads: int, room: int) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="sign-in")
        self._room = room
        self._inside: Counter[str] = Counter()

    @property
    def inside(self) -> int:
        """Return how many are waiting or under way."""
        return self._inside.total()

    async def run(self, origin: str, work: Callable[[], Result]) -> Result:
        """Do ``work`` when its turn comes; raise ``TooManyRequests`` when there is no room to wait."""
        if self.inside >= self._room or self._inside[origin] >= max(1, self._room // 2):
            raise TooManyRequests(RETRY_AFTER_SECONDS, "登录的人太多，请稍后再试", "Too many sign-ins at once")
        self._inside[origin] += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, work)
        finally:
            self._inside[origin] -= 1
            if not self._inside[origin]:
                del self._inside[origin]

    def close(self) -> None:
        """Shut the threads down; sign-ins that still wait are dropped."""
        self._executor.shutdown(wait=False, cancel_futures=True)


async def _sign_ins(request: Request) -> SignInQueue:
    return cast(SignInQueue, request.app.state.sign_ins)


SignIns = Annotated[SignInQueue, Depends(_sign_ins)]
