"""The content of a paper, free of how it is drawn.

A paper is fixed when it is composed: equal papers render to equal bytes (``papers.rendering``).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

import orjson

PENDING = "待市级单位填报"
"""Printed where neither the plans nor the guide give a text: invented law is worse than none."""


class PaperStyle(StrEnum):
    """A letter with a red head, or a framed certificate."""

    LETTER = "letter"
    CERTIFICATE = "certificate"


@dataclass(frozen=True)
class Paragraph:
    """Running text; ``heading`` is a line in bold of its own, ``indent`` is in characters."""

    text: str
    heading: bool = False
    indent: int = 2


@dataclass(frozen=True)
class Labelled:
    """One labelled value (要素)."""

    label: str
    value: str


@dataclass(frozen=True)
class Fields:
    """Labelled values in a ruled table, label left and value right."""

    rows: tuple[Labelled, ...]


@dataclass(frozen=True)
class Table:
    """A ruled table; ``widths`` are shares of the text width and add up to one."""

    headers: tuple[str, ...]
    widths: tuple[float, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""


@dataclass(frozen=True)
class SignOff:
    """A line somebody signs by hand, beside the signature: ``label``, a blank, the blanks of a date; one per paper."""

    label: str


Block = Paragraph | Fields | Table | SignOff


@dataclass(frozen=True)
class Reference:
    """What a reader needs to ask about or check the paper (办件流水号, 查询码, 联系方式, 查验方式)."""

    case_no: str
    query_code: str
    contact: str
    verification: str

    def lines(self) -> Iterator[str]:
        """Yield the footer's lines, empty parts left out."""
        known = [("办件流水号", self.case_no), ("查询码", self.query_code)]
        numbers = "　　".join(f"{label}：{value}" for label, value in known if value)
        if numbers:
            yield numbers
        if self.contact:
            yield f"联系方式：{self.contact}"
        if self.verification:
            yield f"查验方式：{self.verification}"


@dataclass(frozen=True)
class Paper:
    """One paper: head, number, title, addressee, blocks, signature, seal and footer.

    ``seal`` is the text of the electronic seal (电子印章), empty for a paper without one. ``sample`` adds the line
    that tells a demonstration from the real thing.
    """

    issuer: str
    title: str
    number: str
    addressee: str
    blocks: tuple[Block, ...]
    seal: str
    signatory: str
    signed_on: date
    reference: Reference
    style: PaperStyle = PaperStyle.LETTER
    sample: bool = False
    code: str = ""
    """The address a certificate's QR code leads to; empty: it has none."""

    def as_json(self) -> dict[str, Any]:
        """Return the content as JSON values, the form in which it is kept beside the PDF."""
        content: dict[str, Any] = orjson.loads(orjson.dumps(self, default=date.isoformat))
        for block, one in zip(content["blocks"], self.blocks, strict=True):
            block["block"] = type(one).__name__.lower()
        return content
