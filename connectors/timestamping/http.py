"""A timestamp authority asked over HTTP (RFC 3161, section 3.4)."""

import secrets
from typing import Final

import httpx
from asn1crypto import algos, tsp

from connectors.timestamping.base import TimestampFailed

QUERY: Final = "application/timestamp-query"
TIMEOUT_SECONDS: Final = 5.0
NONCE_BITS: Final = 64


class HttpTimestampAuthority:
    """The authority at an address; each timestamp has a request of its own."""

    def __init__(self, url: str) -> None:
        self._url = url

    def stamp(self, digest: bytes) -> bytes:
        """Return a token over a SHA-256 digest, in DER; its certificate is part of it.

        Raises:
            TimestampFailed: the authority does not answer, refuses, or its token is not over this digest.
        """
        nonce = secrets.randbits(NONCE_BITS)
        imprint = {"hash_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}), "hashed_message": digest}
        asked = tsp.TimeStampReq({"version": "v1", "message_imprint": imprint, "nonce": nonce, "cert_req": True})
        try:
            answer = httpx.post(
                self._url, content=asked.dump(), headers={"Content-Type": QUERY}, timeout=TIMEOUT_SECONDS
            )
            answer.raise_for_status()
        except httpx.HTTPError as exc:
            raise TimestampFailed(f"{self._url}: {exc}") from exc
        return self._token(answer.content, digest, nonce)

    def _token(self, reply: bytes, digest: bytes, nonce: int) -> bytes:
        try:
            response = tsp.TimeStampResp.load(reply, strict=True)
            status = response["status"]["status"].native
            if status not in ("granted", "granted_with_mods"):
                raise TimestampFailed(f"{self._url}: {status}")
            token = response["time_stamp_token"]
            stated = token["content"]["encap_content_info"]["content"].parsed
            over = stated["message_imprint"]
            certain = over["hash_algorithm"]["algorithm"].native == "sha256" and over["hashed_message"].native == digest
            if not certain or stated["nonce"].native != nonce:
                raise TimestampFailed(f"{self._url}: the token is not over what was sent")
            der: bytes = token.dump()
        except (ValueError, TypeError, KeyError) as exc:
            raise TimestampFailed(f"{self._url}: no timestamp reply") from exc
        return der
