"""The unified sign-in (OIDC) of one web process: the provider it knows, and the threads that wait for it.

They are not those of passwords: a provider that does not answer does not hold up whoever signs in here.
"""

from dataclasses import dataclass
from typing import Annotated, Final, cast

from fastapi import Depends, Request

from api.sign_in_queue import SignInQueue
from services.entrance.identity_provider import IdentityProvider
from services.errors import NotFound
from settings import Settings

THREADS: Final = 4
ROOM: Final = 32


@dataclass(frozen=True)
class UnifiedSignIn:
    """The provider, and the queue in which it is asked."""

    provider: IdentityProvider
    queue: SignInQueue


def unified_sign_in(settings: Settings) -> UnifiedSignIn | None:
    """Return what the settings name, None where there is no unified sign-in; nothing is fetched yet."""
    if not settings.unified_sign_in:
        return None
    return UnifiedSignIn(IdentityProvider(settings), SignInQueue(THREADS, ROOM))


async def _configured(request: Request) -> UnifiedSignIn | None:
    return cast(UnifiedSignIn | None, request.app.state.unified_sign_in)


async def _required(request: Request) -> UnifiedSignIn:
    found = await _configured(request)
    if found is None:
        raise NotFound
    return found


PerhapsUnified = Annotated[UnifiedSignIn | None, Depends(_configured)]
Unified = Annotated[UnifiedSignIn, Depends(_required)]
"""The unified sign-in; without one the address is not found."""
