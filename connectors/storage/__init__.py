"""Where the content of files is kept, once each, under its SHA-256."""

from pathlib import Path

from connectors.storage.base import BlobMissing, BlobStore, StorageFailed
from connectors.storage.local import LocalStore

__all__ = ["BlobMissing", "BlobStore", "StorageFailed", "store_at"]


def store_at(folder: Path) -> BlobStore:
    """Return the store of an instance: a folder of its own."""
    return LocalStore(folder)
