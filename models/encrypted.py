"""Columns encrypted in the database: ID numbers, phones, and values from which either could be guessed.

The models do not know the key: ``services.encryption`` supplies it. A stored value is ``v1.<key>.<text>``, which tells
a value under a former key from one under the present key, and both from one that was never encrypted. An empty text
stays empty. Such a column can be read and written, but not compared or sorted by: equal values encrypt differently.
"""

from collections.abc import Callable
from typing import Final, Protocol

from sqlalchemy import MetaData, String
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

STORED_LENGTH: Final = 255
"""Room for 64 characters of any script, encrypted."""


class Cipher(Protocol):
    """A cipher for columns; ``place`` is the column, and a value copied to another column cannot be decrypted."""

    def encrypt(self, place: str, text: str) -> str:
        """Return the text under the present key."""
        ...

    def decrypt(self, place: str, stored: str) -> str:
        """Return the text of a stored value; raise ``ValueError`` for one not authentic or under an unknown key."""
        ...


class EncryptedText(TypeDecorator[str]):
    """A text encrypted when it is written and decrypted when it is read; ``place`` is its table and column.

    ``length`` is the room for the encrypted text.
    """

    impl = String
    cache_ok = True

    def __init__(self, place: str, length: int = STORED_LENGTH) -> None:
        super().__init__(length)
        self.place = place
        self.length = length

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Return the encrypted text."""
        return _cipher().encrypt(self.place, value) if value else value

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Return the text."""
        return _cipher().decrypt(self.place, value) if value else value


def encrypted_columns(metadata: MetaData) -> dict[str, dict[str, str]]:
    """Return the encrypted columns by table, each with its place."""
    found = {
        table.name: {one.name: one.type.place for one in table.columns if isinstance(one.type, EncryptedText)}
        for table in metadata.sorted_tables
    }
    return {name: columns for name, columns in found.items() if columns}


def use_cipher(bring: Callable[[], Cipher]) -> None:
    """Encrypt columns with the cipher ``bring`` returns; it is called for every value, and never earlier."""
    _source.append(bring)


def _cipher() -> Cipher:
    if not _source:
        raise RuntimeError("nobody has said what encrypts: import services.encryption first")
    return _source[-1]()


_source: list[Callable[[], Cipher]] = []
