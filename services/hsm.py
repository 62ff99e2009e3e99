"""A hardware security module (PKCS#11): it wraps the data key, and holds seals' keys where that is set.

The state directory alone then decrypts nothing, and signs nothing. The module holds an AES key that never leaves it;
what is kept in a file or setting is ``pkcs11:`` and the base64 of nonce and AES-256-GCM ciphertext. It is asked once
per process, when the data key is first needed; for a seal's key with every signature.
Source: PKCS#11 2.40; https://python-pkcs11.readthedocs.io
"""

import base64
import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pkcs11
from pkcs11.exceptions import PKCS11Error
from pkcs11.util.ec import encode_ec_public_key, encode_ecdsa_signature, encode_named_curve_parameters

from services.errors import SetupError
from settings import Settings

PREFIX: Final = "pkcs11:"
KEY_BITS: Final = 256
NONCE_BYTES: Final = 12
TAG_BITS: Final = 128
PURPOSE: Final = b"tongquan data key"
"""Associated data of the wrapping, so that nothing else encrypted under the same key passes for a data key."""


def is_configured(settings: Settings) -> bool:
    """Tell whether data keys are to be wrapped."""
    return bool(settings.pkcs11_module)


def is_wrapped(text: str) -> bool:
    """Tell whether a kept key needs the module to be read."""
    return text.startswith(PREFIX)


def make_wrapping_key(settings: Settings) -> bool:
    """Make the module's key where it has none under that name; return whether one was made."""
    with _token(settings) as session:
        if _found(session, settings.pkcs11_key) is not None:
            return False
        session.generate_key(
            pkcs11.KeyType.AES,
            KEY_BITS,
            label=settings.pkcs11_key,
            store=True,
            template={pkcs11.Attribute.SENSITIVE: True, pkcs11.Attribute.EXTRACTABLE: False},
        )
        return True


def wrap(settings: Settings, secret: bytes) -> str:
    """Return a secret as it may be kept: encrypted by the module's key."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    with _token(settings) as session:
        sealed: bytes = _key(session, settings).encrypt(secret, **_gcm(nonce))
    return f"{PREFIX}{base64.b64encode(nonce + sealed).decode()}"


def unwrap(settings: Settings, text: str) -> bytes:
    """Return the secret that was wrapped.

    Raises:
        SetupError: no module is configured, it cannot be opened, has no such key, or did not wrap this one.
        ValueError: it is no base64.
    """
    raw = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    with _token(settings) as session:
        secret: bytes = _key(session, settings).decrypt(raw[NONCE_BYTES:], **_gcm(raw[:NONCE_BYTES]))
    return secret


def make_signing_key(settings: Settings, label: str) -> bytes:
    """Make a key pair on P-256 under a label in the module and return its public half, in DER."""
    with _token(settings) as session:
        curve = session.create_domain_parameters(
            pkcs11.KeyType.EC, {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}, local=True
        )
        public, _private = curve.generate_keypair(
            label=label,
            store=True,
            private_template={pkcs11.Attribute.SENSITIVE: True, pkcs11.Attribute.EXTRACTABLE: False},
        )
        der: bytes = encode_ec_public_key(public)
    return der


def sign(settings: Settings, label: str, content: bytes) -> bytes:
    """Return the ECDSA signature over the SHA-256 of a content by the module's key under a label.

    Raises:
        SetupError: no module is configured, it cannot be opened, or it has no such key.
    """
    with _token(settings) as session:
        template = {pkcs11.Attribute.LABEL: label, pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY}
        key = next(iter(session.get_objects(template)), None)
        if key is None:
            raise SetupError(f"密码设备中没有印章密钥 {label}：请检查 TONGQUAN_PKCS11_TOKEN，或为该印章换发证书")
        plain = key.sign(hashlib.sha256(content).digest(), mechanism=pkcs11.Mechanism.ECDSA)
        signature: bytes = encode_ecdsa_signature(plain)
    return signature


def _gcm(nonce: bytes) -> dict[str, Any]:
    return {"mechanism": pkcs11.Mechanism.AES_GCM, "mechanism_param": pkcs11.GCMParams(nonce, PURPOSE, TAG_BITS)}


@contextmanager
def _token(settings: Settings) -> Iterator[Any]:
    """Yield a session on the configured token; an error of the module becomes a ``SetupError``."""
    if not is_configured(settings):
        raise SetupError("密钥由密码设备（PKCS#11）保管：请设置 TONGQUAN_PKCS11_MODULE 等后再启动")
    pin = settings.pkcs11_pin.get_secret_value() if settings.pkcs11_pin is not None else None
    try:
        token = pkcs11.lib(settings.pkcs11_module).get_token(token_label=settings.pkcs11_token)
        with token.open(rw=True, user_pin=pin) as session:
            yield session
    except (PKCS11Error, RuntimeError) as error:
        reason = str(error) or type(error).__name__
        raise SetupError(
            f"密码设备不可用（{reason}）：请检查 TONGQUAN_PKCS11_MODULE、TONGQUAN_PKCS11_TOKEN、"
            "TONGQUAN_PKCS11_PIN 和 TONGQUAN_PKCS11_KEY"
        ) from error


def _found(session: Any, label: str) -> Any:
    template = {pkcs11.Attribute.LABEL: label, pkcs11.Attribute.CLASS: pkcs11.ObjectClass.SECRET_KEY}
    return next(iter(session.get_objects(template)), None)


def _key(session: Any, settings: Settings) -> Any:
    key = _found(session, settings.pkcs11_key)
    if key is None:
        raise SetupError(f"密码设备中没有密钥 {settings.pkcs11_key}：请运行 tongquan keys wrap 生成")
    return key
