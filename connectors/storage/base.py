"""The contract of a store of content."""

from pathlib import Path
from typing import BinaryIO, Protocol


class BlobMissing(Exception):
    """There is no content under this digest."""


class StorageFailed(Exception):
    """The store cannot be reached, or cannot write; the message is for an administrator."""


class BlobStore(Protocol):
    """Content by its SHA-256 in hexadecimal digits; what is there never changes."""

    def put(self, digest: str, source: Path) -> None:
        """Keep the content of a file under its digest; content that is there already is left alone.

        Raises:
            StorageFailed: it could not be written; then nothing is there under the digest.
        """

    def open(self, digest: str) -> BinaryIO:
        """Return the content, from its beginning, as something that can be read again.

        Raises:
            BlobMissing: there is none.
            StorageFailed: the store cannot be read.
        """

    def delete(self, digest: str) -> None:
        """Forget content; what is not there is no error."""
