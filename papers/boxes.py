"""Measure a paper's blocks into boxes: pieces of one height each that know how to draw themselves."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from reportlab.lib.colors import Color
from reportlab.pdfgen.canvas import Canvas

from papers.fonts import BOLD, REGULAR, text_width
from papers.lines import Line, break_lines
from papers.paper import Block, Fields, Labelled, Paragraph, SignOff, Table

INK = Color(0.08, 0.08, 0.08)
RULE = Color(0.32, 0.32, 0.32)
SHADE = Color(0.962, 0.955, 0.94)
_CELL_PAD_X = 6.0
_CELL_PAD_Y = 4.2
_MOST_LINES_IN_A_ROW = 24
"""A taller row is split, so that every box fits a page."""

_LONGEST_LABEL = 6


@dataclass(frozen=True)
class Scale:
    """The sizes of one setting, in points: body text and its leading, table text and its leading."""

    body: float
    leading: float
    table: float
    table_leading: float


@dataclass(frozen=True)
class Box:
    """A piece of the page: ``height`` in points, ``draw(canvas, left, top)``; ``keep`` binds it to the next one.

    ``headed_by`` is what is drawn again above the box where it begins a page: the head of its table.
    """

    height: float
    draw: Callable[[Canvas, float, float], None]
    keep: bool = False
    headed_by: "tuple[Box, ...]" = ()


Cell = tuple[str, str, float, bool]
"""Text, font, column width in points, and whether it heads a row or column (shaded)."""


def space(height: float) -> Box:
    """Return an empty box."""
    return Box(height, lambda _canvas, _left, _top: None)


def draw_line(canvas: Canvas, line: Line, font: str, size: float, left: float, baseline: float, width: float) -> None:
    """Draw one line of text, a full one stretched to the width by even gaps."""
    slack = width - line.offset - line.width
    gaps = len(line.text) - 1
    stretch = slack / gaps if line.full and gaps > 0 and 0 < slack < 2.6 * size else 0.0
    text = canvas.beginText(left + line.offset, baseline)
    text.setFont(font, size)
    if stretch:
        text.setCharSpace(stretch)
    text.textOut(line.text)
    if stretch:
        text.setCharSpace(0)
    canvas.drawText(text)


def measure(blocks: Iterable[Block], scale: Scale, width: float) -> list[Box]:
    """Return the boxes of all blocks in order."""
    boxes: list[Box] = []
    for block in blocks:
        match block:
            case Paragraph():
                boxes += _paragraph(block, scale, width)
            case Fields():
                boxes += _fields(block, scale, width)
            case Table():
                boxes += _table(block, scale, width)
            case SignOff():
                raise ValueError("a line to sign on stands beside the signature, not in the text")
    return boxes


def text_boxes(text: str, font: str, size: float, leading: float, width: float, indent: float) -> list[Box]:
    """Return one box per line; the first keeps the second, so that no paragraph leaves a line alone at the foot."""
    lines = break_lines(text, font, size, width, indent)
    return [
        Box(leading, _line_drawer(line, font, size, leading, width), keep=place == 0 and len(lines) > 1)
        for place, line in enumerate(lines)
    ]


def _line_drawer(
    line: Line, font: str, size: float, leading: float, width: float
) -> Callable[[Canvas, float, float], None]:
    def draw(canvas: Canvas, left: float, top: float) -> None:
        canvas.setFillColor(INK)
        draw_line(canvas, line, font, size, left, top - (leading + size) / 2 + size * 0.14, width)

    return draw


def _paragraph(block: Paragraph, scale: Scale, width: float) -> Iterator[Box]:
    font = BOLD if block.heading else REGULAR
    boxes = text_boxes(block.text, font, scale.body, scale.leading, width, block.indent * scale.body)
    if block.heading:
        boxes = [Box(box.height, box.draw, keep=True) for box in boxes]
    yield from boxes


def _fields(block: Fields, scale: Scale, width: float) -> Iterator[Box]:
    """Yield one row per value, or one for two neighbours that are both short."""
    yield space(3)
    longest = max((len(row.label) for row in block.rows), default=4)
    label = min(longest, _LONGEST_LABEL) * scale.table + 2 * _CELL_PAD_X + 2
    room = width / 2 - label - 2 * _CELL_PAD_X
    rows = list(block.rows)
    while rows:
        first = rows.pop(0)
        if rows and _short(first, scale, room) and _short(rows[0], scale, room):
            second = rows.pop(0)
            pair = (*_cells(first, label, width / 2), *_cells(second, label, width / 2))
            yield from _row(pair, scale)
        else:
            yield from _row(_cells(first, label, width), scale)
    yield space(8)


def _cells(row: Labelled, label: float, width: float) -> tuple[Cell, Cell]:
    return (row.label, BOLD, label, True), (row.value or "—", REGULAR, width - label, False)


def _short(row: Labelled, scale: Scale, room: float) -> bool:
    return "\n" not in row.value and text_width(row.value, REGULAR, scale.table) <= room


def _table(block: Table, scale: Scale, width: float) -> Iterator[Box]:
    if block.caption:
        for box in text_boxes(block.caption, BOLD, scale.body, scale.leading, width, 2 * scale.body):
            yield Box(box.height, box.draw, keep=True)
    yield space(3)
    columns = [share * width for share in block.widths]
    cells = tuple((text, BOLD, column, True) for text, column in zip(block.headers, columns, strict=True))
    heads = tuple(_row(cells, scale, keep=True))
    yield from heads
    for row in block.rows:
        cells = tuple((text, REGULAR, column, False) for text, column in zip(row, columns, strict=True))
        yield from _row(cells, scale, headed_by=heads)
    yield space(8)


def _row(
    cells: tuple[Cell, ...], scale: Scale, *, keep: bool = False, headed_by: tuple[Box, ...] = ()
) -> Iterator[Box]:
    wrapped = [break_lines(text, font, scale.table, column - 2 * _CELL_PAD_X) for text, font, column, _ in cells]
    tallest = max(len(lines) for lines in wrapped)
    for first in range(0, tallest, _MOST_LINES_IN_A_ROW):
        part = [lines[first : first + _MOST_LINES_IN_A_ROW] for lines in wrapped]
        height = max(len(lines) for lines in part) * scale.table_leading + 2 * _CELL_PAD_Y
        yield Box(height, _row_drawer(cells, part, height, scale), keep, headed_by)


def _row_drawer(
    cells: tuple[Cell, ...], wrapped: list[list[Line]], height: float, scale: Scale
) -> Callable[[Canvas, float, float], None]:
    def draw(canvas: Canvas, left: float, top: float) -> None:
        canvas.setStrokeColor(RULE)
        canvas.setLineWidth(0.6)
        for (_, font, column, head), lines in zip(cells, wrapped, strict=True):
            if head:
                canvas.setFillColor(SHADE)
            canvas.rect(left, top - height, column, height, stroke=1, fill=int(head))
            canvas.setFillColor(INK)
            blank = height - len(lines) * scale.table_leading
            baseline = top - blank / 2 - (scale.table_leading + scale.table) / 2 + scale.table * 0.14
            for line in lines:
                draw_line(canvas, line, font, scale.table, left + _CELL_PAD_X, baseline, column - 2 * _CELL_PAD_X)
                baseline -= scale.table_leading
            left += column

    return draw
