"""A PDF with a gap for the signature over everything else in it (ISO 32000-1, 12.8).

The gap is left when the paper is drawn, so that a signed paper is one revision, written once. What is signed is the
file without the gap; the signature goes into the gap afterwards and nothing else changes.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

_RANGE: Final = b"/ByteRange [0 0000000000 0000000000 0000000000]"
_CONTENTS: Final = b"/Contents <"


class GapTooSmall(ValueError):
    """The signature is larger than the gap left for it."""


@dataclass(frozen=True)
class SignatureGap:
    """What is known of a signature before it is made: who signs, when, why, and how many bytes it may have."""

    signer: str
    at: datetime
    reason: str
    room: int

    def dictionary(self) -> bytes:
        """Return the signature's dictionary, its byte range and contents still blank."""
        dated = self.at.strftime("%Y%m%d%H%M%S%z")
        return b"\n".join(
            [
                b"<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached",
                b"/Name %b /Reason %b" % (_text(self.signer), _text(self.reason)),
                b"/M (D:%b'%b')" % (dated[:-2].encode(), dated[-2:].encode()),
                _RANGE,
                _CONTENTS + b"0" * (2 * self.room) + b"> >>",
            ]
        )


@dataclass(frozen=True)
class Signable:
    """A drawn paper and where in it the signature goes."""

    content: bytes
    start: int
    """Where the gap begins, at its ``<``."""

    end: int
    """Where it ends, behind its ``>``."""

    @classmethod
    def of(cls, pdf: bytes, gap: SignatureGap) -> "Signable":
        """Find the one gap of a PDF and state in its byte range what is signed."""
        blank = pdf.index(_RANGE)
        start = pdf.index(_CONTENTS, blank) + len(_CONTENTS) - 1
        end = start + 2 * gap.room + 2
        stated = b"/ByteRange [0 %d %d %d]" % (start, end, len(pdf) - end)
        return cls(pdf[:blank] + stated.ljust(len(_RANGE)) + pdf[blank + len(_RANGE) :], start, end)

    def digest(self) -> bytes:
        """Return SHA-256 of what is signed: the file without the gap."""
        content = hashlib.sha256(memoryview(self.content)[: self.start])
        content.update(memoryview(self.content)[self.end :])
        return content.digest()

    def with_signature(self, signature: bytes) -> bytes:
        """Return the signed file; raise ``GapTooSmall``."""
        room = self.end - self.start - 2
        written = signature.hex().encode()
        if len(written) > room:
            raise GapTooSmall(f"{len(signature)} bytes in a gap of {room // 2}")
        return self.content[: self.start + 1] + written.ljust(room, b"0") + self.content[self.end - 1 :]


def _text(text: str) -> bytes:
    return b"<%b>" % (b"\xfe\xff" + text.encode("utf-16-be")).hex().encode()
