"""The cases in flight when a power changes hands: what is decided on all of them, and what becomes of each."""

from enum import StrEnum


class InFlight(StrEnum):
    """What is decided on the cases in flight: whoever has them finishes them, or they move with the power."""

    FINISH = "finish"
    TRANSFER = "transfer"

    @property
    def label(self) -> str:
        """Return the Chinese name of what a recall does."""
        return "由县级办结" if self is InFlight.FINISH else "移交市级办理"


class Disposition(StrEnum):
    """What a recall or a unit transfer does, or did, to one case in flight."""

    TRANSFER = "transfer"
    FINISH = "finish"
    WITH_CITY = "with_city"
    MOVE_UNIT = "move_unit"
    KEEP_UNIT = "keep_unit"

    @property
    def label(self) -> str:
        """Return the Chinese name."""
        return _DISPOSITIONS[self]


_DISPOSITIONS = {
    Disposition.TRANSFER: "移交市级单位继续办理",
    Disposition.FINISH: "由县级办结",
    Disposition.WITH_CITY: "已在市级，由市级继续办理",
    Disposition.MOVE_UNIT: "移交新承办部门继续办理",
    Disposition.KEEP_UNIT: "由原承办部门办结",
}
