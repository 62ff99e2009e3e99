"""Open a gRPC channel to a cluster, by the variables every Camunda client reads: address, TLS, OAuth."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

import grpc
from pyzeebe import create_insecure_channel, create_oauth2_client_credentials_channel, create_secure_channel

CHANNEL_OPTIONS = (
    ("grpc.keepalive_time_ms", 45_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.enable_retries", 0),
)
"""gRPC waits up to two minutes between reconnections by default; an engine restarts in ten seconds."""


@dataclass(frozen=True)
class OAuth:
    """Client credentials, from the variables every Camunda client reads."""

    client_id: str
    client_secret: str
    url: str
    audience: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "OAuth | None":
        """Return the credentials, or ``None`` when the cluster asks for none."""

        def first(*names: str) -> str:
            return next((environment[name] for name in names if environment.get(name)), "")

        client_id = first("CAMUNDA_CLIENT_ID", "ZEEBE_CLIENT_ID")
        url = first("CAMUNDA_OAUTH_URL", "ZEEBE_AUTHORIZATION_SERVER_URL")
        if not client_id or not url:
            return None
        secret = first("CAMUNDA_CLIENT_SECRET", "ZEEBE_CLIENT_SECRET")
        return cls(client_id, secret, url, first("CAMUNDA_TOKEN_AUDIENCE", "ZEEBE_TOKEN_AUDIENCE"))


def open_channel(address: str, oauth: OAuth | None = None) -> grpc.aio.Channel:
    """Open a gRPC channel; ``https://`` (or OAuth) means TLS, an optional CA comes from
    ``ZEEBE_CA_CERTIFICATE_PATH``.

    ``ZEEBE_INSECURE_CONNECTION=false`` asks for TLS too, as in Camunda's own clients.
    """
    target = address.removeprefix("https://").removeprefix("http://").removeprefix("grpcs://").removeprefix("grpc://")
    secure = address.startswith(("https://", "grpcs://"))
    secure = secure or os.environ.get("ZEEBE_INSECURE_CONNECTION", "").lower() == "false"
    if oauth is None and not secure:
        return create_insecure_channel(grpc_address=target, channel_options=CHANNEL_OPTIONS)
    credentials = grpc.ssl_channel_credentials(_certificate_authority())
    if oauth is None:
        return create_secure_channel(
            grpc_address=target, channel_options=CHANNEL_OPTIONS, channel_credentials=credentials
        )
    return create_oauth2_client_credentials_channel(
        grpc_address=target,
        client_id=oauth.client_id,
        client_secret=oauth.client_secret,
        authorization_server=oauth.url,
        audience=oauth.audience,
        channel_credentials=credentials,
        channel_options=CHANNEL_OPTIONS,
    )


def _certificate_authority() -> bytes | None:
    path = os.environ.get("ZEEBE_CA_CERTIFICATE_PATH")
    if not path:
        return None
    with open(path, "rb") as file:
        return file.read()
