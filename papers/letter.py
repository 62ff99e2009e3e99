"""Lay out a paper as an official letter after GB/T 9704: red head, number, red rule, title, text, seal, footer."""

from dataclasses import dataclass

from reportlab.lib.colors import Color
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from papers.boxes import INK, RULE, Box, Scale, measure, space, text_boxes
from papers.fonts import BOLD, REGULAR, text_width
from papers.lines import break_lines
from papers.paper import Paper, Paragraph, SignOff
from papers.seal import RADIUS, draw_seal

PAGE_WIDTH, PAGE_HEIGHT = A4
TEXT_WIDTH = 448.0
"""28 characters of 三号 (16 points)."""
LEFT = (PAGE_WIDTH - TEXT_WIDTH) / 2
TOP = PAGE_HEIGHT - 26 * mm
BOTTOM = 25 * mm
RED = Color(0.82, 0.05, 0.08)
GREY = Color(0.38, 0.38, 0.38)
SAMPLE_LINE = "示例：本文书由演示环境生成，不具法律效力"
SCALES = (Scale(16, 28, 12, 18), Scale(14, 24, 11.5, 16.5))
"""三号, and 四号 when that saves a page."""

_HEAD_SIZE, _TITLE_SIZE, _NUMBER_SIZE, _FOOT_SIZE, _FOOT_LEADING = 30.0, 22.0, 13.0, 10.0, 15.0


@dataclass(frozen=True)
class Placed:
    """A box and the height of its top edge on its page."""

    box: Box
    top: float


def draw_letter(canvas: Canvas, paper: Paper, remarks: tuple[str, ...]) -> None:
    """Draw every page of a letter; ``remarks`` are further lines of its footer."""
    footer = _footer(paper, remarks)
    pages = _paginate(_boxes(paper, SCALES[0]), footer)
    if len(pages) > 1:
        smaller = _paginate(_boxes(paper, SCALES[1]), footer)
        pages = smaller if len(smaller) < len(pages) else pages
    for number, page in enumerate(pages, start=1):
        for placed in page:
            placed.box.draw(canvas, LEFT, placed.top)
        _draw_margins(canvas, paper, number)
        canvas.showPage()


def _boxes(paper: Paper, scale: Scale) -> list[Box]:
    body = [block for block in paper.blocks if not isinstance(block, SignOff)]
    sign_offs = [block for block in paper.blocks if isinstance(block, SignOff)]
    boxes = [_head(paper), *_title(paper)]
    if paper.addressee:
        boxes += measure([Paragraph(f"{paper.addressee}：", indent=0)], scale, TEXT_WIDTH)
    boxes += measure(body, scale, TEXT_WIDTH)
    boxes.append(_signature(paper, scale))
    if sign_offs:
        boxes += [space(6), *measure(sign_offs, scale, TEXT_WIDTH)]
    return boxes


def _head(paper: Paper) -> Box:
    size = min(_HEAD_SIZE, TEXT_WIDTH / max(text_width(paper.issuer, BOLD, 1), 1))
    stretch = min(6.0, (TEXT_WIDTH - text_width(paper.issuer, BOLD, size)) / max(len(paper.issuer), 1))
    height = 86.0

    def draw(canvas: Canvas, left: float, top: float) -> None:
        centre = left + TEXT_WIDTH / 2
        width = text_width(paper.issuer, BOLD, size) + stretch * (len(paper.issuer) - 1)
        text = canvas.beginText(centre - width / 2, top - 32)
        text.setFont(BOLD, size)
        text.setFillColor(RED)
        text.setCharSpace(stretch)
        text.textOut(paper.issuer)
        canvas.drawText(text)
        canvas.setFillColor(INK)
        canvas.setFont(REGULAR, _NUMBER_SIZE)
        canvas.drawCentredString(centre, top - 63, paper.number)
        canvas.setStrokeColor(RED)
        canvas.setLineWidth(2.2)
        canvas.line(left - 6, top - 74, left + TEXT_WIDTH + 6, top - 74)
        canvas.setLineWidth(0.7)
        canvas.line(left - 6, top - 77.5, left + TEXT_WIDTH + 6, top - 77.5)

    return Box(height, draw, keep=True)


def _title(paper: Paper) -> list[Box]:
    boxes = [space(14)]
    for line in break_lines(paper.title, BOLD, _TITLE_SIZE, TEXT_WIDTH - 2 * _TITLE_SIZE):

        def draw(canvas: Canvas, left: float, top: float, text: str = line.text) -> None:
            canvas.setFillColor(INK)
            canvas.setFont(BOLD, _TITLE_SIZE)
            canvas.drawCentredString(left + TEXT_WIDTH / 2, top - 24, text)

        boxes.append(Box(32, draw, keep=True))
    return [*boxes, space(12)]


def _signature(paper: Paper, scale: Scale) -> Box:
    """Return signatory and date, set right, the seal over both (骑年盖月)."""
    height = 2 * RADIUS + 6 if paper.seal else 3.2 * scale.leading
    dated = f"{paper.signed_on.year}年{paper.signed_on.month}月{paper.signed_on.day}日"
    widest = max(text_width(paper.signatory, REGULAR, scale.body), text_width(dated, REGULAR, scale.body))
    size = scale.body * min(1.0, (TEXT_WIDTH - 1 * scale.body) / max(widest, 1))
    widest *= size / scale.body

    def draw(canvas: Canvas, left: float, top: float) -> None:
        half = max(widest / 2, RADIUS if paper.seal else 0)
        centre = left + TEXT_WIDTH - half - (scale.body if half < TEXT_WIDTH / 2 - scale.body else 0)
        middle = top - height / 2 - 2
        canvas.setFillColor(INK)
        canvas.setFont(REGULAR, size)
        canvas.drawCentredString(centre, middle + scale.leading * 0.22, paper.signatory)
        canvas.drawCentredString(centre, middle - scale.leading * 0.78, dated)
        if paper.seal:
            draw_seal(canvas, paper.seal, centre, middle)

    return Box(height, draw)


def _footer(paper: Paper, remarks: tuple[str, ...]) -> Box:
    lines = [*paper.reference.lines(), *remarks]
    boxes = [
        box
        for line in lines
        for box in text_boxes(line, REGULAR, _FOOT_SIZE, _FOOT_LEADING, TEXT_WIDTH - _FOOT_SIZE, 0)
    ]
    height = sum(box.height for box in boxes) + 8

    def draw(canvas: Canvas, left: float, top: float) -> None:
        canvas.setStrokeColor(RULE)
        canvas.setLineWidth(0.9)
        canvas.line(left, top, left + TEXT_WIDTH, top)
        canvas.line(left, top - height, left + TEXT_WIDTH, top - height)
        below = top - 4
        for box in boxes:
            box.draw(canvas, left + _FOOT_SIZE / 2, below)
            below -= box.height

    return Box(height, draw)


def _paginate(boxes: list[Box], footer: Box) -> list[list[Placed]]:
    """Place boxes from the top of each page on and the footer at the foot of the last."""
    pages: list[list[Placed]] = [[]]
    top = TOP
    for place, box in enumerate(boxes):
        needed = box.height
        follower = place
        while boxes[follower].keep and follower + 1 < len(boxes):
            follower += 1
            needed += boxes[follower].height
        if top - min(needed, TOP - BOTTOM) < BOTTOM and pages[-1]:
            pages.append([])
            top = TOP
        pages[-1].append(Placed(box, top))
        top -= box.height
    if top - footer.height - 6 < BOTTOM:
        pages.append([])
    pages[-1].append(Placed(footer, BOTTOM + footer.height))
    return pages


def _draw_margins(canvas: Canvas, paper: Paper, number: int) -> None:
    canvas.setFillColor(INK)
    canvas.setFont(REGULAR, 11)
    canvas.drawCentredString(PAGE_WIDTH / 2, 14 * mm, f"— {number} —")
    if paper.sample:
        canvas.setFillColor(GREY)
        canvas.setFont(REGULAR, 8.5)
        canvas.drawRightString(LEFT + TEXT_WIDTH, PAGE_HEIGHT - 15 * mm, SAMPLE_LINE)
