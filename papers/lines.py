"""Break Chinese text into lines: no line begins with a punctuation mark that may not; no word or number is split.

The rules are those of GB/T 15834 (标点符号用法): closing marks never begin a line, opening marks never end one.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from papers.fonts import KEPT_TEXTS, text_width, widths

NOT_AT_START = frozenset("，。、；：？！）》〉】〕”’」』％%…—·,.;:?!)]}")
NOT_AT_END = frozenset("（《〈【〔“‘「『([{")
_UNIT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/@+*-]*|…+|—+|.", re.DOTALL)


@dataclass(frozen=True)
class Line:
    """One line: its text, its natural width and left offset in points; ``full`` lines are justified."""

    text: str
    width: float
    offset: float
    full: bool


def break_lines(text: str, font: str, size: float, width: float, indent: float = 0.0) -> list[Line]:
    """Return a text's lines at a size; each line end in the text begins a new, indented paragraph."""
    lines: list[Line] = []
    for paragraph in text.split("\n"):
        lines += _break_paragraph(paragraph.strip(" "), font, size, width, indent)
    return lines


@lru_cache(maxsize=KEPT_TEXTS)
def _break_paragraph(text: str, font: str, size: float, width: float, indent: float) -> tuple[Line, ...]:
    lines: list[Line] = []
    units = _measured(text, font, size, width)
    start, used, offset = 0, 0.0, indent
    position = 0
    while position < len(units):
        unit_width = units[position][1]
        if position > start and used + unit_width > width - offset + 0.01:
            end = _break_before(units, start, position)
            lines.append(_line(units[start:end], font, size, offset, full=True))
            start, offset = end, 0.0
            while start < position and units[start][0] == " ":
                start += 1
            used = sum(one for _, one in units[start:position])
            continue
        used += unit_width
        position += 1
    lines.append(_line(units[start:], font, size, offset, full=False))
    return tuple(lines)


def _measured(text: str, font: str, size: float, width: float) -> list[tuple[str, float]]:
    table, default = widths(font)
    units: list[tuple[str, float]] = []
    for unit in _UNIT.findall(text):
        if len(unit) == 1:
            units.append((unit, table.get(ord(unit), default) * size / 1000))
            continue
        unit_width = text_width(unit, font, size)
        if unit_width <= width / 2:
            units.append((unit, unit_width))
        else:
            units += [(char, table.get(ord(char), default) * size / 1000) for char in unit]
    return units


def _break_before(units: list[tuple[str, float]], start: int, position: int) -> int:
    """Return the place to break, moved back over marks that may not begin or end a line."""
    end = position
    while end > start + 1 and (units[end][0][0] in NOT_AT_START or units[end - 1][0][-1] in NOT_AT_END):
        end -= 1
    return end if end > start + 1 or position == start + 1 else position


def _line(units: list[tuple[str, float]], font: str, size: float, offset: float, *, full: bool) -> Line:
    text = "".join(unit for unit, _ in units).rstrip(" ")
    return Line(text, text_width(text, font, size), offset, full)
