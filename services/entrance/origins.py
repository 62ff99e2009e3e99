"""Where a request comes from, as limits count it."""

from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

UNKNOWN: Final = "unknown"
_SUBSCRIBER_BITS: Final = 64


def origin_of(host: str | None) -> str:
    """Return the origin of a peer's address: the address itself, of IPv6 the network one subscriber is given (/64)."""
    try:
        address = ip_address((host or "").partition("%")[0])
    except ValueError:
        return UNKNOWN
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        if not address.is_loopback:
            return str(ip_network((address, _SUBSCRIBER_BITS), strict=False))
    return str(address)
