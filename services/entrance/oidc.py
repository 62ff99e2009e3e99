"""Sign in by the city's unified sign-in (统一身份认证, OpenID Connect): whom it vouches for, and who is admitted.

The provider says who somebody is, and nothing more: accounts are opened, disabled and given their posts here. The state
of a sign-in under way (``state``, nonce, PKCE's verifier, where to go afterwards) is kept, sealed, in the browser that
began it, so that nobody can be made to complete another's, and one only begun stores nothing. Each is completed once.
Failures count against the address, under the limit of failed passwords (ADR 21).
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlmodel import Session

from models.account import Account, SignInMethod
from models.database import Database
from models.group import SECURITY_ADMINISTRATOR
from models.notification import NotificationKind, NotificationSubject
from services import locks
from services.accounts import registration, sessions
from services.accounts.sessions import SignIn
from services.clock import machine_now
from services.documents.signing import load_key
from services.entrance.identity_provider import IdentityProvider, IdentityRefused
from services.errors import Forbidden, TooManyRequests
from services.journal import audit, timeline
from services.notifications import inbox
from services.rate_limits import RateLimits
from settings import get_settings

UNDER_WAY_SECONDS: Final = 600
"""How long a sign-in may take at the provider."""
SIGNAL: Final = "sign_in_unknown"
_FROM: Final = "oidc-from"
_ONCE: Final = "1/hour"
_SECRET_BYTES: Final = 32
_REASON_LENGTH: Final = 100


class NotAdmitted(Forbidden):
    """The provider knows the person, but there is no enabled account of that name here."""

    code = "account_not_admitted"

    def __init__(self, username: str) -> None:
        shown = _printable(username, registration.USERNAME_LENGTH)
        super().__init__(
            f"统一身份认证的用户“{shown}”在本系统没有可用账号，已告知安全保密管理员；需要开通的，请联系系统管理员",
            f"There is no enabled account here for “{shown}”; the security administrator has been told",
        )
        self.username = shown


@dataclass(frozen=True)
class UnderWay:
    """A sign-in that was begun: what its answer must fit, and where the browser wanted to go."""

    state: str
    nonce: str
    verifier: str
    wanted: str


@dataclass(frozen=True)
class Begun:
    """Where the browser goes to sign in, and what it keeps meanwhile."""

    url: str
    kept: str


def begin(provider: IdentityProvider, redirect_uri: str, wanted: str) -> Begun:
    """Begin a sign-in; raise ``ProviderUnavailable``."""
    state, nonce, verifier = (secrets.token_urlsafe(_SECRET_BYTES) for _ in range(3))
    one = UnderWay(state, nonce, verifier, wanted)
    url = provider.authorization_url(redirect_uri, one.state, one.nonce, one.verifier)
    return Begun(url, _sealing().encrypt(json.dumps(asdict(one)).encode()).decode())


def complete(
    database: Database,
    provider: IdentityProvider,
    answer: Mapping[str, str],
    kept: str,
    redirect_uri: str,
    origin: str,
) -> tuple[SignIn, str]:
    """Return the session of the person who came back from the provider, and where the browser wanted to go.

    Raises ``IdentityRefused`` for an answer that is not valid or was used before, ``NotAdmitted`` for a person
    without an enabled account, ``ProviderUnavailable``, and ``TooManyRequests`` after too many failures. It waits for
    the provider and opens its own transactions; call it in a thread that nothing else waits for.
    """
    _require_room(database, origin)
    try:
        one = _fitting(answer, kept)
        username = provider.redeem(answer, redirect_uri, one.nonce, one.verifier)
        now = machine_now()
        with database.transaction() as session:
            if not RateLimits(session).note(_ONCE, "oidc-finished", one.state):
                raise IdentityRefused("finished before")
            signed_in = _admit(session, username, origin, now)
    except (IdentityRefused, NotAdmitted) as error:
        with database.transaction() as session:
            RateLimits(session).note(get_settings().sign_in_address_limit, _FROM, origin)
            _record_refusal(session, error, origin)
        raise
    return signed_in, one.wanted


def _fitting(answer: Mapping[str, str], kept: str) -> UnderWay:
    """Return the sign-in an answer belongs to; raise ``IdentityRefused``."""
    try:
        one = UnderWay(**json.loads(_sealing().decrypt(kept.encode(), ttl=UNDER_WAY_SECONDS)))
    except InvalidToken as error:
        raise IdentityRefused("not begun here, or too long ago") from error
    if not hmac.compare_digest(answer.get("state", "").encode(), one.state.encode()):
        raise IdentityRefused("state")
    if "code" not in answer:
        raise IdentityRefused(f"answer: {answer.get('error', 'no code')}")
    return one


def _admit(session: Session, username: str, origin: str, now: datetime) -> SignIn:
    # A name no account can have may be one no database can store.
    known = registration.USERNAME.fullmatch(username) is not None
    account = locks.find_for_update(session, Account, username) if known else None
    if account is None or not account.active:
        raise NotAdmitted(username)
    return sessions.open_session(session, account, SignInMethod.OIDC, origin, now, by=SignInMethod.OIDC)


def _require_room(database: Database, origin: str) -> None:
    with database.reading() as session:
        wait = RateLimits(session).wait(get_settings().sign_in_address_limit, _FROM, origin)
    if wait:
        raise TooManyRequests(wait, "登录尝试过于频繁，请稍后再试", "Too many attempts to sign in; try again later")


def _record_refusal(session: Session, error: IdentityRefused | NotAdmitted, origin: str) -> None:
    """Record a refusal; a person known to the provider but not here is reported to the security administrator too."""
    now = machine_now()
    if isinstance(error, IdentityRefused):
        detail = {"from": origin, "by": SignInMethod.OIDC, "reason": _printable(error.reason, _REASON_LENGTH)}
        audit.append(session, timeline.SYSTEM, "session.refuse", "oidc", detail, now)
        return
    detail = {"from": origin, "by": SignInMethod.OIDC, "reason": "not_admitted"}
    audit.append(session, timeline.SYSTEM, "session.refuse", error.username, detail, now)
    if not RateLimits(session).note(_ONCE, "oidc-unknown", hashlib.sha256(error.username.encode()).hexdigest()):
        return
    audit.write_now(session)
    subject = inbox.Subject(NotificationSubject.SIGN_IN, audit.head(session).id, "统一身份认证登录被拒绝")
    text = f"统一身份认证的用户“{error.username}”从 {origin} 登录，但本系统没有该用户名的可用账号，请核查是否需要开通"
    cause = inbox.Cause(SIGNAL, text, now, error.username)
    inbox.notify_about(session, subject, NotificationKind.SUPERVISION, [SECURITY_ADMINISTRATOR.name], cause)


def _printable(text: str, length: int) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in text[:length])


def _sealing() -> Fernet:
    seed = load_key(get_settings()).private_bytes_raw()
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"tongquan sign-ins under way").derive(seed)
    return Fernet(base64.urlsafe_b64encode(derived))
