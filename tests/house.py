"""Draw the house from the code: the capabilities of ``services/`` on their floors, and the arrows between them.

``python -m tests.house`` writes ``docs/explanation/house.svg`` and the line numbers in ``architecture.md`` anew; a test
compares both with the code.
"""

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from html import escape
from pathlib import Path

from settings import PROJECT_ROOT

SERVICES = PROJECT_ROOT / "services"
PICTURE = PROJECT_ROOT / "docs" / "explanation" / "house.svg"
ARCHITECTURE = PROJECT_ROOT / "docs" / "explanation" / "architecture.md"
PLACE = re.compile(r"\[`(?P<name>[\w.]+)`\]\(\.\./\.\./(?P<path>[\w./]+\.py)#L(?P<line>\d+)\)")
"""A place in the code as ``architecture.md`` names it: a function or class, its file, its line."""

WIDTH, ROOM_WIDTH, ROOM_HEIGHT, FLOOR_HEIGHT, MARGIN = 1180, 190, 58, 128, 30
COLOURS = ("#f3f6fb", "#eaf1f8", "#e1ecf5", "#d8e6f1", "#cfe0ee", "#c6dbea", "#bdd5e7")


def imports(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield each module a file imports, within functions too, with the names taken from it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, []
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, [alias.name for alias in node.names]


def room_of(path: Path) -> str:
    """Return the capability a file of ``services/`` belongs to: its folder, or the module itself."""
    inside = path.relative_to(SERVICES)
    return inside.parts[0] if len(inside.parts) > 1 else inside.stem


def rooms_imported(path: Path) -> set[str]:
    """Return the rooms of ``services/`` a module imports."""
    rooms: set[str] = set()
    for module, names in imports(path):
        parts = module.split(".")
        if parts[0] == "services":
            rooms |= {parts[1]} if len(parts) > 1 else set(names)
    return rooms


@lru_cache
def arrows() -> dict[str, frozenset[str]]:
    """Return which capability imports which, read from the code; modules beside the folders are left out."""
    rooms = {path.parent.name for path in SERVICES.glob("*/__init__.py")}
    found: dict[str, set[str]] = {room: set() for room in sorted(rooms)}
    for path in SERVICES.glob("*/**/*.py"):
        found[room_of(path)] |= (rooms_imported(path) & rooms) - {room_of(path)}
    return {room: frozenset(below) for room, below in found.items()}


@lru_cache
def floor(room: str) -> int:
    """Return a room's floor: one above the highest room it calls."""
    return max((floor(below) + 1 for below in arrows()[room]), default=0)


@lru_cache
def reached(room: str) -> frozenset[str]:
    """Return every room that can be reached from a room."""
    return frozenset().union(*(reached(below) | {below} for below in arrows()[room]))


def shown(room: str) -> list[str]:
    """Return the arrows worth drawing: those that no way over another room implies."""
    return sorted(
        below for below in arrows()[room] if not any(below in reached(other) for other in arrows()[room] - {below})
    )


def purpose(room: str) -> str:
    """Return what a room's docstring says it is, up to the colon or the end of the sentence."""
    told = ast.get_docstring(ast.parse((SERVICES / room / "__init__.py").read_text(encoding="utf-8"))) or ""
    return re.sub(r" \([^)]*\)", "", re.split(r"[:.,]", told, maxsplit=1)[0])


def picture() -> str:
    """Return the SVG of the house."""
    floors: dict[int, list[str]] = {}
    for room in arrows():
        floors.setdefault(floor(room), []).append(room)
    top = max(floors)
    place: dict[str, tuple[float, float]] = {}
    for level, rooms in sorted(floors.items()):
        gap = (WIDTH - 2 * MARGIN) / len(rooms)
        order = sorted(rooms, key=lambda room: (_centre(room, place), room))
        for position, room in enumerate(order):
            place[room] = (MARGIN + gap * (position + 0.5), MARGIN + 60 + (top - level) * FLOOR_HEIGHT)
    height = MARGIN * 2 + 60 + (top + 1) * FLOOR_HEIGHT + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 L8 4 L0 8 z" fill="#50708c"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        _band(MARGIN, "api · workers · bridge: three boundaries over the same use cases"),
    ]
    for level in range(top + 1):
        y = MARGIN + 46 + (top - level) * FLOOR_HEIGHT
        parts.append(
            f'<rect x="{MARGIN / 2}" y="{y}" width="{WIDTH - MARGIN}" height="{FLOOR_HEIGHT - 12}" rx="6"'
            f' fill="{COLOURS[(top - level) % len(COLOURS)]}"/>'
        )
    for room in arrows():
        x, y = place[room]
        for below in shown(room):
            to_x, to_y = place[below]
            start, end = y + ROOM_HEIGHT, to_y - 3
            bend = (end - start) / 2
            parts.append(
                f'<path d="M{x:.0f} {start:.0f} C{x:.0f} {start + bend:.0f} {to_x:.0f} {end - bend:.0f}'
                f' {to_x:.0f} {end:.0f}" fill="none" stroke="#50708c" stroke-width="1.1" opacity="0.75"'
                ' marker-end="url(#tip)"/>'
            )
    for room, (x, y) in sorted(place.items()):
        left = x - ROOM_WIDTH / 2
        parts.append(
            f'<rect x="{left:.0f}" y="{y:.0f}" width="{ROOM_WIDTH}" height="{ROOM_HEIGHT}" rx="5" fill="#fff"'
            f' stroke="#29485f"/><text x="{x:.0f}" y="{y + 24:.0f}" text-anchor="middle" font-size="15"'
            f' font-weight="600" fill="#14293a">{room}</text><text x="{x:.0f}" y="{y + 43:.0f}" text-anchor="middle"'
            f' font-size="10.5" fill="#3c566b">{escape(_short(purpose(room)))}</text>'
        )
    parts.append(
        _band(height - 44, "models · papers · catalog_data        engine (reached by workers and bridge only)")
    )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _centre(room: str, place: dict[str, tuple[float, float]]) -> float:
    """Return where the rooms below stand on average, so that arrows run straight."""
    known = [place[below][0] for below in arrows()[room] if below in place]
    return round(sum(sorted(known)) / len(known), 3) if known else 0.0


def _short(text: str, most: int = 34) -> str:
    return text if len(text) <= most else text[: most - 1].rsplit(" ", 1)[0] + " …"


def _band(y: float, text: str) -> str:
    return (
        f'<rect x="{MARGIN / 2}" y="{y}" width="{WIDTH - MARGIN}" height="32" rx="6" fill="#29485f"/>'
        f'<text x="{WIDTH / 2}" y="{y + 21}" text-anchor="middle" font-size="14" fill="#fff">{escape(text)}</text>'
    )


def line_of(path: str, name: str) -> int:
    """Return the line on which a module defines a function, class, method or constant (``Class.method``)."""
    scope: list[ast.stmt] = ast.parse((PROJECT_ROOT / path).read_text(encoding="utf-8")).body
    node: ast.stmt | None = None
    for part in name.split("."):
        node = next((one for one in scope if part in _names(one)), None)
        if node is None:
            raise LookupError(f"{path} defines no {name}")
        scope = node.body if isinstance(node, ast.ClassDef) else []
    assert node is not None
    return node.lineno


def _names(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}


def numbered(text: str) -> str:
    """Return ``architecture.md`` with the line of each place as the code has it."""
    return PLACE.sub(
        lambda found: found[0].replace(f"#L{found['line']})", f"#L{line_of(found['path'], found['name'])})"), text
    )


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
    ARCHITECTURE.write_text(numbered(ARCHITECTURE.read_text(encoding="utf-8")), encoding="utf-8")
