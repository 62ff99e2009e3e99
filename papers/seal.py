"""Draw an electronic seal (电子印章): a red round stamp with the organ's name on its arc and a star.

The kind of seal (``…专用章``) stands level below the star, as on seals of rubber; the seal's full text is the organ's
name followed by that kind.
"""

import math
import re

from reportlab.lib.colors import Color
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from papers.fonts import BOLD, text_width

INK = Color(0.83, 0.07, 0.09, alpha=0.86)
RADIUS = 20.5 * mm
SEAL_FORM = "Seal"
"""The name of the seal's drawing in the file, so that it can be the face of the signature too."""

_RING = 1.1 * mm
_KIND = re.compile(
    r"(?P<organ>.{2,}?)(?P<kind>市级审批专用章|县级审批专用章|行政审批专用章|审批专用章|受理专用章|电子证照专用章|审核专用章|业务专用章|专用章)(?P<place>（[^（）]+）)?"
)
_ARC_DEGREES = 262.0


def split_seal(text: str) -> tuple[str, str]:
    """Return the organ on the arc and the kind below the star; a seal that names no kind has none.

    A seal kept at a county's window names it after its kind: ``…受理专用章（兴国县）``.
    """
    match = _KIND.fullmatch(text)
    return (match["organ"], match["kind"] + (match["place"] or "")) if match else (text, "")


def draw_seal(canvas: Canvas, text: str, centre_x: float, centre_y: float) -> None:
    """Stamp the seal around a point; a paper has one."""
    canvas.beginForm(SEAL_FORM, -RADIUS, -RADIUS, RADIUS, RADIUS)
    _draw(canvas, text)
    canvas.endForm()
    canvas.saveState()
    canvas.translate(centre_x, centre_y)
    canvas.doForm(SEAL_FORM)
    canvas.restoreState()


def _draw(canvas: Canvas, text: str) -> None:
    """Draw the seal around the origin."""
    organ, kind = split_seal(text)
    canvas.setFillColor(INK)
    canvas.setStrokeColor(INK)
    canvas.setLineWidth(_RING)
    canvas.circle(0, 0, RADIUS - _RING / 2, stroke=1, fill=0)
    _draw_star(canvas, 0, 1.2 * mm if kind else 0, 5.6 * mm)
    _draw_arc(canvas, organ)
    if kind:
        size = min(10.5, 24 * mm / text_width(kind, BOLD, 1))
        canvas.setFont(BOLD, size)
        canvas.drawCentredString(0, -11.2 * mm, kind)


def _draw_star(canvas: Canvas, x: float, y: float, radius: float) -> None:
    inner = radius * math.sin(math.radians(18)) / math.sin(math.radians(54))
    path = canvas.beginPath()
    for corner in range(10):
        angle = math.radians(90 + 36 * corner)
        reach = radius if corner % 2 == 0 else inner
        point = (x + reach * math.cos(angle), y + reach * math.sin(angle))
        if corner == 0:
            path.moveTo(*point)
        else:
            path.lineTo(*point)
    path.close()
    canvas.drawPath(path, stroke=0, fill=1)


def _draw_arc(canvas: Canvas, organ: str) -> None:
    """Set the organ's name around the upper arc, its characters upright to the centre and evenly apart."""
    steps = max(len(organ) - 1, 1)
    size = max(7.5, min(14.0, 165.0 / max(len(organ), 1)))
    baseline = RADIUS - _RING - 1.1 * mm - size * 0.86
    natural = math.degrees(size * 1.3 * steps / baseline)
    sweep = min(_ARC_DEGREES, natural)
    canvas.setFont(BOLD, size)
    for place, char in enumerate(organ):
        angle = 90 + sweep / 2 - sweep * place / steps if len(organ) > 1 else 90.0
        canvas.saveState()
        canvas.translate(baseline * math.cos(math.radians(angle)), baseline * math.sin(math.radians(angle)))
        canvas.rotate(angle - 90)
        canvas.scale(0.86, 1)
        canvas.drawCentredString(0, 0, char)
        canvas.restoreState()
