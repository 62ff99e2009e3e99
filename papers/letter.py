"""Lay out a paper as an official letter after GB/T 9704: red head, number, red rule, title, text, seal, footer."""

from dataclasses import dataclass, replace

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
TOP = PAGE_HEIGHT - 19 * mm
BOTTOM = 20 * mm
RED = Color(0.82, 0.05, 0.08)
GREY = Color(0.38, 0.38, 0.38)
SAMPLE_LINE = "示例：本文书由演示环境生成，不具法律效力"
SCALES = (Scale(16, 27, 12, 17), Scale(14, 22.5, 11, 15.5), Scale(12.5, 19.5, 10.5, 14.5))
"""三号, then 四号 and almost 小四 when that saves a page."""

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
    for scale in SCALES[1:]:
        if len(pages) == 1:
            break
        smaller = _paginate(_boxes(paper, scale), footer)
        pages = smaller if len(smaller) < len(pages) else pages
    for number, page in enumerate(pages, start=1):
        for placed in page:
            placed.box.draw(canvas, LEFT, placed.top)
        _draw_margins(canvas, paper, number)
        canvas.showPage()


def _boxes(paper: Paper, scale: Scale) -> list[Box]:
    body = [block for block in paper.blocks if not isinstance(block, SignOff)]
    sign_off = next((block for block in paper.blocks if isinstance(block, SignOff)), None)
    boxes = [_head(paper), *_title(paper)]
    if paper.addressee:
        boxes += measure([Paragraph(f"{paper.addressee}：", indent=0)], scale, TEXT_WIDTH)
    boxes += measure(body, scale, TEXT_WIDTH)
    *others, before, last = boxes
    return [*others, replace(before, keep=True), replace(last, keep=True), _signature(paper, scale, sign_off)]


def _head(paper: Paper) -> Box:
    size = min(_HEAD_SIZE, TEXT_WIDTH / max(text_width(paper.issuer, BOLD, 1), 1))
    stretch = min(6.0, (TEXT_WIDTH - text_width(paper.issuer, BOLD, size)) / max(len(paper.issuer), 1))
    height = 82.0

    def draw(canvas: Canvas, left: float, top: float) -> None:
        centre = left + TEXT_WIDTH / 2
        width = text_width(paper.issuer, BOLD, size) + stretch * (len(paper.issuer) - 1)
        text = canvas.beginText(centre - width / 2, top - 32)
        text.setFont(BOLD, size)
        text.setFillColor(RED)
        text.setCharSpace(stretch)
        text.textOut(paper.issuer)
        text.setCharSpace(0)
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
    boxes = [space(10)]
    for line in break_lines(paper.title, BOLD, _TITLE_SIZE, TEXT_WIDTH - 2 * _TITLE_SIZE):

        def draw(canvas: Canvas, left: float, top: float, text: str = line.text) -> None:
            canvas.setFillColor(INK)
            canvas.setFont(BOLD, _TITLE_SIZE)
            canvas.drawCentredString(left + TEXT_WIDTH / 2, top - 24, text)

        boxes.append(Box(32, draw, keep=True))
    return [*boxes, space(8)]


def _signature(paper: Paper, scale: Scale, sign_off: SignOff | None) -> Box:
    """Return signatory and date, set right, the seal over both (骑年盖月); the recipient signs to the left."""
    height = 2 * RADIUS + 2 if paper.seal else 3.2 * scale.leading
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
        if sign_off is not None:
            _draw_sign_off(canvas, sign_off, scale, left, middle, centre - half - 2 * scale.table)

    return Box(height, draw)


def _draw_sign_off(canvas: Canvas, sign_off: SignOff, scale: Scale, left: float, middle: float, right: float) -> None:
    """Draw the line to sign on and the blanks of its date, between the left margin and the signature."""
    size = scale.table
    label = f"{sign_off.label}："
    start = left + text_width(label, REGULAR, size)
    end = min(right, start + 40 * mm)
    upper, lower = middle + scale.leading * 0.22, middle - scale.leading * 0.78
    canvas.setFillColor(INK)
    canvas.setFont(REGULAR, size)
    canvas.drawString(left, upper, label)
    canvas.drawRightString(end, lower, "年　　月　　日")
    canvas.setStrokeColor(RULE)
    canvas.setLineWidth(0.5)
    canvas.line(start, upper - 3, end, upper - 3)


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
    """Place boxes from the top of each page on, and the footer at the foot of the last, below the signature.

    A table that continues on the next page has its head repeated there.
    """
    pages: list[list[Placed]] = [[]]
    top = TOP
    for place, box in enumerate(boxes):
        needed = box.height
        follower = place
        while boxes[follower].keep and follower + 1 < len(boxes):
            follower += 1
            needed += boxes[follower].height
        if follower + 1 == len(boxes):
            needed += footer.height + 6
        if top - min(needed, TOP - BOTTOM) < BOTTOM and pages[-1]:
            pages.append([])
            top = TOP
            for head in box.headed_by:
                pages[-1].append(Placed(head, top))
                top -= head.height
        pages[-1].append(Placed(box, top))
        top -= box.height
    pages[-1].append(Placed(footer, BOTTOM + footer.height))
    return pages


def _draw_margins(canvas: Canvas, paper: Paper, number: int) -> None:
    canvas.setFillColor(INK)
    canvas.setFont(REGULAR, 11)
    canvas.drawCentredString(PAGE_WIDTH / 2, 11 * mm, f"— {number} —")
    if paper.sample:
        canvas.setFillColor(GREY)
        canvas.setFont(REGULAR, 8.5)
        canvas.drawRightString(LEFT + TEXT_WIDTH, PAGE_HEIGHT - 13 * mm, SAMPLE_LINE)
