"""The windows in which failed passwords are counted: by account and by address (ADR 18).

From an address where the account has signed in before, nobody's failures elsewhere matter: there the account has
windows of its own. Unknown names are counted like accounts, under a digest keyed by the product's key, for they may be
passwords typed into the wrong field.
"""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final, Self

from sqlmodel import Session

from models.rate_limit import KnownAddress
from services.documents.signing import load_key
from services.errors import TooManyRequests
from services.rate_limits import RateLimits
from settings import get_settings

BY_ADDRESS: Final = "sign-in-from"
BY_ACCOUNT: Final = "sign-in-to"
BY_ACCOUNT_AND_ADDRESS: Final = "sign-in-to-from"


@dataclass(frozen=True)
class Attempts:
    """The attempts on one name from one address; ``known`` says that the account has signed in there before."""

    name: str
    origin: str
    known: bool

    @classmethod
    def of(cls, session: Session, username: str, origin: str) -> Self:
        """Return the attempts on an account, or on a name that nobody has."""
        known = session.get(KnownAddress, (username, origin)) is not None
        return cls(digest_of(username), origin, known)

    def require_room(self, session: Session) -> None:
        """Raise ``TooManyRequests`` when the account, or an address unknown to it, has had too many failures."""
        limits, settings = RateLimits(session), get_settings()
        wait = limits.wait(settings.sign_in_account_limit, *self._window())
        if not self.known:
            wait = max(wait, limits.wait(settings.sign_in_address_limit, BY_ADDRESS, self.origin))
        if wait:
            raise TooManyRequests(wait, "登录尝试过于频繁，请稍后再试", "Too many attempts to sign in; try again later")

    def note_failure(self, session: Session) -> None:
        """Count a failure against the account and against the address."""
        limits, settings = RateLimits(session), get_settings()
        limits.note(settings.sign_in_account_limit, *self._window())
        limits.note(settings.sign_in_address_limit, BY_ADDRESS, self.origin)

    def forget(self, session: Session) -> None:
        """Forget the account's failures here, now that its owner has signed in."""
        RateLimits(session).clear(get_settings().sign_in_account_limit, *self._window())

    def _window(self) -> tuple[str, ...]:
        if self.known:
            return (BY_ACCOUNT_AND_ADDRESS, self.name, self.origin)
        return (BY_ACCOUNT, self.name)


def digest_of(username: str) -> str:
    """Return the digest under which a name is counted."""
    seed = load_key(get_settings()).private_bytes_raw()
    return hmac.digest(seed, b"tongquan sign-in name\0" + username.encode(), hashlib.sha256).hex()
