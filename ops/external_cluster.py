"""A cluster that somebody else runs: its addresses, and whether anything listens there."""

import os
import socket
from urllib.parse import urlsplit

from services.errors import SetupError

CONNECT_TIMEOUT_SECONDS = 5.0


def external_addresses(zeebe: str) -> tuple[str, str]:
    """Return the gRPC and REST addresses of the cluster at ``zeebe`` (``host:port``, or an https URL)."""
    host = urlsplit(zeebe if "//" in zeebe else f"//{zeebe}").hostname or zeebe
    return zeebe, os.environ.get("ZEEBE_REST_ADDRESS", f"http://{host}:8080")


def require_reachable(address: str) -> None:
    """Make sure something listens at a cluster's address.

    Raises:
        SetupError: nothing does, or it is not an address.
    """
    parts = urlsplit(address if "//" in address else f"//{address}")
    try:
        port = parts.port or (443 if parts.scheme == "https" else 26_500)
        with socket.create_connection((parts.hostname or "", port), timeout=CONNECT_TIMEOUT_SECONDS):
            return
    except (OSError, ValueError) as exc:
        raise SetupError(f"引擎 {address} 不可达：请检查 --zeebe 的地址、端口和网络，并确认集群已启动") from exc
