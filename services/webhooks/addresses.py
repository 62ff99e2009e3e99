"""Where webhooks may be sent: to public addresses, and to the private networks an administrator has named.

An IPv6 address can stand for an IPv4 one; what is checked is the machine that would be reached.
"""

import ipaddress
from typing import Final

from settings import get_settings

GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
"""The only part of IPv6 allocated for public use (RFC 4291); site-local and unassigned addresses lie outside."""
NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
"""Addresses by which a network of IPv6 alone reaches IPv4 (RFC 6052); the last 32 bits are the IPv4 address."""
TRANSITIONAL: Final = (
    ipaddress.IPv6Network("2002::/16"),  # 6to4 (RFC 3056), deprecated by RFC 7526.
    ipaddress.IPv6Network("2001::/32"),  # Teredo (RFC 4380).
)
"""Tunnels that carry an IPv4 address inside; no server is reached by one today."""


def permitted_address(address: str) -> bool:
    """Tell whether a delivery may be sent to an IP address: a public one, in development the machine itself too.

    ``TONGQUAN_WEBHOOK_NETWORKS`` adds private networks, such as that of the government extranet (电子政务外网).

    Raises:
        ValueError: it is no IP address.
    """
    target = _reached(ipaddress.ip_address(address))
    settings = get_settings()
    if target.is_loopback:
        return settings.development
    if any(target in network for network in settings.webhook_allowed_networks):
        return True
    if isinstance(target, ipaddress.IPv6Address) and (
        target not in GLOBAL_UNICAST or any(target in network for network in TRANSITIONAL)
    ):
        return False
    return target.is_global and not target.is_multicast


def _reached(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return the IPv4 address that an IPv6 one stands for, else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF) if address in NAT64 else address
