"""What certifies when a signature existed: a timestamp authority by address; the product has one of its own besides."""

from connectors.timestamping.base import TimestampAuthority, TimestampFailed
from connectors.timestamping.http import HttpTimestampAuthority

__all__ = ["HttpTimestampAuthority", "TimestampAuthority", "TimestampFailed"]
