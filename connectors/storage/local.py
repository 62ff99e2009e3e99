"""Content in a folder: one file each, two levels deep, closed to other users of the machine."""

import os
import shutil
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO

from connectors.storage.base import BlobMissing, StorageFailed

CLOSED = 0o700


class LocalStore:
    """A store in a folder; written beside its place, synced, and put there by renaming."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, digest: str, source: Path) -> None:
        """Keep the content of a file under its digest."""
        place = self._place(digest)
        if place.exists():
            return
        try:
            place.parent.mkdir(mode=CLOSED, parents=True, exist_ok=True)
            with NamedTemporaryFile(dir=place.parent, prefix=".new-", delete=False) as new:
                try:
                    with source.open("rb") as content:
                        shutil.copyfileobj(content, new, 1024 * 1024)
                    new.flush()
                    os.fsync(new.fileno())
                    os.replace(new.name, place)
                except BaseException:
                    Path(new.name).unlink(missing_ok=True)
                    raise
        except OSError as exc:
            raise StorageFailed(f"{self._folder}: {exc.strerror or exc}") from exc

    def open(self, digest: str) -> BinaryIO:
        """Return the content, from its beginning."""
        try:
            return self._place(digest).open("rb")
        except FileNotFoundError as exc:
            raise BlobMissing(digest) from exc
        except OSError as exc:
            raise StorageFailed(f"{self._folder}: {exc.strerror or exc}") from exc

    def delete(self, digest: str) -> None:
        """Forget content."""
        self._place(digest).unlink(missing_ok=True)

    def _place(self, digest: str) -> Path:
        return self._folder / digest[:2] / digest[2:]
