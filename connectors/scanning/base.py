"""The contract of a scanner."""

from pathlib import Path
from typing import Protocol


class ScannerFailed(Exception):
    """The scanner gave no answer, or none we understand: the file is not known to be clean."""


class Scanner(Protocol):
    """Something that tells whether a file is harmful."""

    def find_threat(self, file: Path) -> str | None:
        """Return the name of what was found in a file, None when it is clean.

        Raises:
            ScannerFailed: it could not be determined.
        """
