"""One HTTP client for the small calls to processes on this machine."""

from functools import cache

import httpx


@cache
def loopback_client() -> httpx.Client:
    """Return the process's client: no proxy from the environment, no connection kept; safe to use from any thread.

    Making a client costs more than a call with it, since each prepares for TLS.
    """
    return httpx.Client(trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))
