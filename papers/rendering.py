"""Turn a paper into PDF bytes: equal papers give equal bytes, whatever the hour or the process."""

import io
import threading
from dataclasses import fields, is_dataclass, replace
from typing import Any

from papers.canvas import PaperCanvas
from papers.fonts import printable, register
from papers.framed import draw_certificate
from papers.letter import draw_letter
from papers.paper import Paper, PaperStyle
from papers.signable import Signable, SignatureGap

_one_at_a_time = threading.Lock()
"""ReportLab's font subsets are not safe for threads; drawing holds the interpreter lock anyway."""


def render_pdf(paper: Paper) -> bytes:
    """Return the paper as PDF/A, unsigned; raises ``fonts.FontMissing`` when the papers' font is not installed."""
    return _render(paper, None)


def render_to_sign(paper: Paper, gap: SignatureGap) -> Signable:
    """Return the paper as PDF/A with a gap for the signature at its seal; it must have a seal.

    Raises ``fonts.FontMissing``.
    """
    if not paper.seal:
        raise ValueError(f"{paper.title} has no seal to sign at")
    return Signable.of(_render(paper, gap), gap)


def _render(paper: Paper, gap: SignatureGap | None) -> bytes:
    register()
    missing: list[str] = []
    drawn: Paper = _cleaned(paper, missing)
    draw = draw_certificate if paper.style is PaperStyle.CERTIFICATE else draw_letter
    buffer = io.BytesIO()
    with _one_at_a_time:
        canvas = PaperCanvas(buffer, drawn, gap)
        draw(canvas, drawn, _remarks(missing))
        canvas.save()
    return buffer.getvalue()


def _remarks(missing: list[str]) -> tuple[str, ...]:
    if not missing:
        return ()
    codes = "、".join(f"U+{ord(char):04X}" for char in dict.fromkeys(missing))
    return (f"注：“〓”处为字库暂缺的字，依出现先后为 {codes}（Unicode 编码）",)


def _cleaned(value: Any, missing: list[str]) -> Any:
    """Return a copy of the content in which every text can be drawn; add what had to be marked to ``missing``."""
    if type(value) is str:
        text, marked = printable(value)
        missing += marked
        return text
    if isinstance(value, tuple):
        return tuple(_cleaned(one, missing) for one in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{one.name: _cleaned(getattr(value, one.name), missing) for one in fields(value)})
    return value
