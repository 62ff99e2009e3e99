"""The unified sign-in (统一身份认证) as an OpenID Connect provider: its documents, its tokens, whom it vouches for.

The authorization code flow with PKCE, by Authlib. What the provider publishes of itself (discovery, keys) is kept in
memory and asked for again when it is old or when a key is unknown; while it cannot be reached, it is not tried again
within a few seconds. Everything here may wait for the network: call it in a thread, outside of any transaction.
Source: https://openid.net/specs/openid-connect-core-1_0.html, sections 3.1.2, 3.1.3 and 5.3
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final
from urllib.parse import urlencode

import requests
import structlog
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from services.clock import machine_now
from services.errors import Unauthenticated, Unavailable
from settings import Settings

CONNECT_SECONDS: Final = 5
ANSWER_SECONDS: Final = 10
KEPT_SECONDS: Final = 3600
"""How long the provider's documents are cached."""
RETRY_SECONDS: Final = 10
"""How soon a provider that did not answer, or a key it did not have, is asked for again."""
LEEWAY_SECONDS: Final = 60
"""How far its clock may differ from ours."""
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures that the provider alone can make: none with a shared secret, and not ``none``."""
log = structlog.get_logger(__name__)

_DISCOVERY: Final = "/.well-known/openid-configuration"


class ProviderUnavailable(Unavailable):
    """The provider does not answer, or not validly; passwords work all the same."""

    code = "identity_provider_unavailable"
    title, title_en = "统一身份认证暂时无法连接，请稍后再试", "The identity provider is unavailable; try again later"


class IdentityRefused(Unauthenticated):
    """The provider's answer is not valid; ``reason`` is for the log and the audit trail."""

    code = "identity_refused"
    title, title_en = (
        "统一身份认证的结果无效或已过期，请重新登录",
        "The sign-in at the identity provider is invalid or over",
    )

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


@dataclass(frozen=True)
class _Documents:
    metadata: Mapping[str, Any]
    keys: KeySet
    fetched_at: float


class IdentityProvider:
    """One provider, as one process knows it; safe to share among threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._documents: _Documents | None = None
        self._failed_at: float | None = None

    def authorization_url(self, redirect_uri: str, state: str, nonce: str, verifier: str) -> str:
        """Return where the browser is sent to sign in; raise ``ProviderUnavailable``."""
        metadata = self._current().metadata
        with self._client(metadata, redirect_uri) as client:
            url, _ = client.create_authorization_url(
                metadata["authorization_endpoint"], state=state, nonce=nonce, code_verifier=verifier
            )
        return str(url)

    def redeem(self, answer: Mapping[str, str], redirect_uri: str, nonce: str, verifier: str) -> str:
        """Return the user name the provider vouches for, for the code in its answer.

        Raises ``IdentityRefused``, and ``ProviderUnavailable`` when it cannot be asked. The caller checks the answer's
        ``state``.
        """
        metadata = self._current().metadata
        self._require_issuer(answer, metadata)
        with self._client(metadata, redirect_uri) as client:
            try:
                token = client.fetch_token(
                    metadata["token_endpoint"],
                    grant_type="authorization_code",
                    code=answer["code"],
                    redirect_uri=redirect_uri,
                    code_verifier=verifier,
                    allow_redirects=False,
                )
            except AuthlibBaseError as error:
                raise IdentityRefused(f"token endpoint: {error.error}") from error
            except (requests.RequestException, ValueError) as error:
                raise _unavailable(error) from error
            claims = self._verified(token, nonce)
            return self._account(client, metadata, claims)

    def end_session_url(self, return_to: str) -> str | None:
        """Return where the browser ends the session at the provider; None where that is not offered or known.

        Source: https://openid.net/specs/openid-connect-rpinitiated-1_0.html
        """
        try:
            endpoint = self._current().metadata.get("end_session_endpoint")
        except ProviderUnavailable:
            return None
        if not isinstance(endpoint, str) or not endpoint.startswith(("https://", "http://")):
            return None
        query = urlencode({"client_id": self._settings.oidc_client_id, "post_logout_redirect_uri": return_to})
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{query}"

    def _client(self, metadata: Mapping[str, Any], redirect_uri: str) -> OAuth2Session:
        secret = self._settings.oidc_client_secret
        offered = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        method = "client_secret_basic" if "client_secret_basic" in offered else "client_secret_post"
        return OAuth2Session(
            client_id=self._settings.oidc_client_id,
            client_secret=secret.get_secret_value() if secret is not None else None,
            token_endpoint_auth_method=method if secret is not None else "none",
            scope=self._settings.oidc_scope,
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            leeway=0,
            default_timeout=(CONNECT_SECONDS, ANSWER_SECONDS),
        )

    def _require_issuer(self, answer: Mapping[str, str], metadata: Mapping[str, Any]) -> None:
        """Refuse another provider's answer (RFC 9207)."""
        promised = metadata.get("authorization_response_iss_parameter_supported") is True
        if (promised or "iss" in answer) and answer.get("iss") != metadata["issuer"]:
            raise IdentityRefused("answer of another issuer")

    def _verified(self, token: Mapping[str, Any], nonce: str) -> CodeIDToken:
        id_token = token.get("id_token")
        if not isinstance(id_token, str):
            raise IdentityRefused("no ID token")
        try:
            decoded = self._decoded(id_token)
            client_id = self._settings.oidc_client_id
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                options={
                    "iss": {"essential": True, "value": self._settings.oidc_issuer},
                    "aud": {"essential": True, "value": client_id},
                    "sub": {"essential": True},
                },
                params={"nonce": nonce, "client_id": client_id, "access_token": token.get("access_token")},
            )
            claims.validate(now=int(machine_now().timestamp()), leeway=LEEWAY_SECONDS)
        except (JoseError, ValueError) as error:
            raise IdentityRefused(f"ID token: {error}") from error
        return claims

    def _decoded(self, id_token: str) -> jwt.Token:
        documents = self._current()
        try:
            return jwt.decode(id_token, documents.keys, algorithms=ALGORITHMS)
        except InvalidKeyIdError:
            # Keys are rotated now and then; the cached set lacks a new one.
            newer = self._current(older_than=documents.fetched_at)
            return jwt.decode(id_token, newer.keys, algorithms=ALGORITHMS)

    def _account(self, client: OAuth2Session, metadata: Mapping[str, Any], claims: CodeIDToken) -> str:
        """Return the claim that names the account, from the ID token or else from UserInfo (Core, 5.3)."""
        name = self._settings.oidc_account_claim
        found: Any = claims.get(name)
        endpoint = metadata.get("userinfo_endpoint")
        if found is None and isinstance(endpoint, str):
            try:
                answer = client.get(endpoint, allow_redirects=False)
                answer.raise_for_status()
                told = answer.json()
            except (requests.RequestException, AuthlibBaseError, ValueError) as error:
                raise _unavailable(error) from error
            if not isinstance(told, dict) or told.get("sub") != claims["sub"]:
                raise IdentityRefused("UserInfo of somebody else")
            found = told.get(name)
        if not isinstance(found, str) or not found:
            raise IdentityRefused(f"no claim {name}")
        return found

    def _current(self, older_than: float | None = None) -> _Documents:
        """Return the provider's documents, fetched anew when they are old or, by ``older_than``, not new enough."""
        with self._lock:
            now, kept = monotonic(), self._documents
            if kept is not None:
                age = now - kept.fetched_at
                wanted_newer = older_than == kept.fetched_at and age >= RETRY_SECONDS
                if age < KEPT_SECONDS and not wanted_newer:
                    return kept
            if self._failed_at is not None and now - self._failed_at < RETRY_SECONDS:
                raise ProviderUnavailable
            try:
                self._documents = self._fetched()
            except (requests.RequestException, ValueError, JoseError) as error:
                self._failed_at = monotonic()
                raise _unavailable(error) from error
            self._failed_at = None
            return self._documents

    def _fetched(self) -> _Documents:
        metadata = _document(self._settings.oidc_issuer.removesuffix("/") + _DISCOVERY)
        if metadata.get("issuer") != self._settings.oidc_issuer:
            raise ValueError(f"the provider calls itself {metadata.get('issuer')!r}")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not isinstance(metadata.get(name), str):
                raise ValueError(f"discovery without {name}")
        keys = _document(metadata["jwks_uri"])
        return _Documents(metadata, KeySet.import_key_set({"keys": keys["keys"]}), monotonic())


def _unavailable(error: Exception) -> ProviderUnavailable:
    """Log why the provider cannot be asked; the page says only that it cannot."""
    log.warning("identity_provider.unavailable", error=str(error))
    return ProviderUnavailable()


def _document(url: str) -> dict[str, Any]:
    answer = requests.get(url, timeout=(CONNECT_SECONDS, ANSWER_SECONDS), allow_redirects=False)
    answer.raise_for_status()
    document = answer.json()
    if not isinstance(document, dict) or answer.is_redirect:
        raise ValueError(f"{url} is no document")
    return document
