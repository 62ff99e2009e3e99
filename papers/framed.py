"""Lay out a certificate (证照): a framed landscape page with the certificate's name, its facts and the seal."""

from functools import lru_cache

from reportlab.graphics import renderPDF
from reportlab.graphics.barcode.qr import QrCodeWidget
from reportlab.graphics.shapes import Drawing
from reportlab.lib.colors import Color
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from papers.boxes import INK, draw_line
from papers.fonts import BOLD, REGULAR, text_width
from papers.letter import GREY, RED, SAMPLE_LINE
from papers.lines import Line, break_lines
from papers.paper import Fields, Labelled, Paper, Paragraph
from papers.seal import RADIUS, draw_seal

PAGE_HEIGHT, PAGE_WIDTH = float(A4[0]), float(A4[1])
GOLD = Color(0.70, 0.55, 0.25)
TINT = Color(0.995, 0.985, 0.96)
_INSET = float(30 * mm)
_KEY_TURNS = ((0, 0), (0, 1), (1, 1), (1, 0.22), (0.3, 0.22), (0.3, 0.72), (0.7, 0.72), (0.7, 0.48))
_SMALL = 8.5
_FACT_SIZES = (15.0, 13.0, 11.5, 10.0, 9.0, 8.0)
_CODE_SIDE = float(20 * mm)


def draw_certificate(canvas: Canvas, paper: Paper, remarks: tuple[str, ...]) -> None:
    """Draw the one page of a certificate; ``remarks`` are further lines at its foot."""
    canvas.setPageSize((PAGE_WIDTH, PAGE_HEIGHT))
    _draw_frame(canvas)
    below = _draw_title(canvas, paper)
    _draw_facts(canvas, paper, below)
    _draw_signature(canvas, paper)
    _draw_foot(canvas, paper, remarks)
    canvas.showPage()


def _draw_frame(canvas: Canvas) -> None:
    canvas.setFillColor(TINT)
    canvas.setStrokeColor(RED)
    canvas.setLineWidth(2.4)
    canvas.rect(11 * mm, 11 * mm, PAGE_WIDTH - 22 * mm, PAGE_HEIGHT - 22 * mm, stroke=1, fill=1)
    canvas.setStrokeColor(GOLD)
    canvas.setLineWidth(0.7)
    for inset in (13.2 * mm, 17.4 * mm):
        canvas.rect(inset, inset, PAGE_WIDTH - 2 * inset, PAGE_HEIGHT - 2 * inset)
    canvas.setLineWidth(0.6)
    canvas.addLiteral(_meander())


@lru_cache(maxsize=1)
def _meander() -> str:
    """Return the PDF operators of the meander (回纹) that fills the band between the gold lines."""
    band, side = 14.0 * mm, 2.6 * mm
    operators: list[str] = []
    for length, edges, level in (
        (PAGE_WIDTH, (band, PAGE_HEIGHT - band - side), True),
        (PAGE_HEIGHT, (band, PAGE_WIDTH - band - side), False),
    ):
        inset = 13.9 * mm if level else 18.6 * mm
        span = length - 2 * inset - side
        count = int(span / (side * 1.36))
        for edge in edges:
            for place in range(count + 1):
                along = inset + place * span / count
                operators.append(_key(*((along, edge) if level else (edge, along)), side))
    return "\n".join(operators)


def _key(x: float, y: float, side: float) -> str:
    points = [f"{x + right * side:.2f} {y + up * side:.2f}" for right, up in _KEY_TURNS]
    return f"{points[0]} m {' l '.join(points[1:])} l S"


def _draw_title(canvas: Canvas, paper: Paper) -> float:
    width: float = PAGE_WIDTH - 2 * _INSET
    size = 38.0
    while size > 20 and text_width(paper.title, BOLD, size) > width:
        size -= 2
    lines = break_lines(paper.title, BOLD, size, width)
    stretch = 10.0 if len(lines) == 1 and text_width(paper.title, BOLD, size) < width * 0.55 else 0.0
    baseline = PAGE_HEIGHT - 41 * mm
    for line in lines:
        drawn = line.width + stretch * (len(line.text) - 1)
        text = canvas.beginText(PAGE_WIDTH / 2 - drawn / 2, baseline)
        text.setFont(BOLD, size)
        text.setFillColor(RED)
        text.setCharSpace(stretch)
        text.textOut(line.text)
        text.setCharSpace(0)
        canvas.drawText(text)
        baseline -= size * 1.3
    canvas.setFillColor(INK)
    canvas.setFont(REGULAR, 13)
    canvas.drawCentredString(PAGE_WIDTH / 2, baseline + size * 1.3 - 26, f"证照编号：{paper.number}")
    below: float = baseline + size * 1.3 - 44
    return below


def _draw_facts(canvas: Canvas, paper: Paper, top: float) -> None:
    """Draw the facts in the largest size that leaves the seal free."""
    facts = [row for block in paper.blocks if isinstance(block, Fields) for row in block.rows]
    texts = [block.text for block in paper.blocks if isinstance(block, Paragraph)]
    longest = max((len(fact.label) for fact in facts), default=0)
    floor = 66 * mm
    for size in _FACT_SIZES:
        height = sum(len(_value_lines(fact, size, longest)) for fact in facts) * size * 1.72
        height += sum(len(_text_lines(text, size)) for text in texts) * size * 1.72
        if top - height >= floor or size == _FACT_SIZES[-1]:
            break
    leading = size * 1.72
    baseline = top - leading
    for fact in facts:
        canvas.setFillColor(INK)
        canvas.setFont(BOLD, size)
        canvas.drawString(_INSET + 8 * mm, baseline, f"{fact.label}：")
        for line in _value_lines(fact, size, longest):
            draw_line(canvas, line, REGULAR, size, _value_left(size, longest), baseline, _value_width(size, longest))
            baseline -= leading
    for text in texts:
        for line in _text_lines(text, size):
            draw_line(canvas, line, REGULAR, size, _INSET + 8 * mm, baseline, PAGE_WIDTH - 2 * _INSET - 16 * mm)
            baseline -= leading


def _value_left(size: float, longest: int) -> float:
    left: float = _INSET + 8 * mm + max(6.2, longest + 1.2) * size
    return left


def _value_width(size: float, longest: int) -> float:
    width: float = PAGE_WIDTH - _INSET - 8 * mm - _value_left(size, longest)
    return width


def _value_lines(fact: Labelled, size: float, longest: int) -> list[Line]:
    return break_lines(fact.value or "—", REGULAR, size, _value_width(size, longest))


def _text_lines(text: str, size: float) -> list[Line]:
    return break_lines(text, REGULAR, size, PAGE_WIDTH - 2 * _INSET - 16 * mm, 2 * size)


def _draw_signature(canvas: Canvas, paper: Paper) -> None:
    dated = f"{paper.signed_on.year}年{paper.signed_on.month}月{paper.signed_on.day}日"
    size = min(15.0, 100 * mm / max(text_width(paper.signatory, REGULAR, 1), 1))
    half = max(text_width(paper.signatory, REGULAR, size) / 2, RADIUS)
    centre, middle = PAGE_WIDTH - _INSET - 6 * mm - half, 49 * mm
    canvas.setFillColor(INK)
    canvas.setFont(REGULAR, size)
    canvas.drawCentredString(centre, middle + 5, paper.signatory)
    canvas.drawCentredString(centre, middle - 19, dated)
    if paper.seal:
        draw_seal(canvas, paper.seal, centre, middle)


def _draw_foot(canvas: Canvas, paper: Paper, remarks: tuple[str, ...]) -> None:
    """Draw the small print upward from the frame."""
    width = 128 * mm
    lines = [
        line for text in (*paper.reference.lines(), *remarks) for line in break_lines(text, REGULAR, _SMALL, width)
    ]
    baseline = 22 * mm + 1.45 * _SMALL * (len(lines) - 1)
    if paper.code:
        _draw_code(canvas, paper.code, baseline + 1.45 * _SMALL)
    canvas.setFillColor(GREY)
    for line in lines:
        draw_line(canvas, line, REGULAR, _SMALL, _INSET, baseline, width)
        baseline -= 1.45 * _SMALL
    if paper.sample:
        canvas.setFont(REGULAR, _SMALL)
        canvas.drawCentredString(PAGE_WIDTH / 2, 6 * mm, SAMPLE_LINE)


def _draw_code(canvas: Canvas, address: str, bottom: float) -> None:
    """Draw the QR code of the certificate's public page, black on the page's tint with the quiet zone it needs."""
    widget = QrCodeWidget(address, barLevel="M", barWidth=_CODE_SIDE, barHeight=_CODE_SIDE)
    drawing = Drawing(_CODE_SIDE, _CODE_SIDE)
    drawing.add(widget)
    renderPDF.draw(drawing, canvas, _INSET - 1 * mm, bottom)
