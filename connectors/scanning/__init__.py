"""What looks for malware in what people hand in: a scanner by address, or none."""

from connectors.scanning.base import Scanner, ScannerFailed
from connectors.scanning.clamd import Clamd

__all__ = ["Scanner", "ScannerFailed", "scanner_at"]


def scanner_at(address: str) -> Scanner | None:
    """Return the scanner at ``host:port`` or at a socket's path; None where no address is set."""
    return Clamd(address) if address else None
