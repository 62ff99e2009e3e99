"""Room on the disks an instance writes to."""

import shutil
from pathlib import Path

LOW_BYTES = 1 << 30
STOP_BYTES = 300_000_000
"""The engine stops taking commands at 256 MB."""


def free_bytes(path: Path) -> int:
    """Return the free bytes of the file system that holds ``path`` or its nearest existing parent."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


def words(count: int) -> str:
    """Return a byte count in words for people."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
