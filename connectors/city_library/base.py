"""The contract of the city library."""

from typing import Any, Protocol


class LibraryFailed(Exception):
    """The library gave no answer, or refused; the message is for an administrator and holds no person's data."""


class CityLibrary(Protocol):
    """A register of certificates by number, each with the version of ours it was last told."""

    async def put(self, number: str, version: int, request_id: str, record: dict[str, Any]) -> None:
        """Have the library keep a version of a certificate.

        Repeating a request changes nothing; a version older than the one kept is ignored.

        Raises:
            LibraryFailed: it is not known to be kept.
        """

    async def find(self, number: str) -> dict[str, Any] | None:
        """Return what the library keeps of a certificate, None when it has none of that number.

        Raises:
            LibraryFailed: it could not be determined.
        """
