"""Records as the engine's exporter sends them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson


class MalformedBulk(Exception):
    """The body is not what the exporter sends: pairs of an action line and a record line."""


@dataclass(slots=True)
class Record:
    """One event of the engine's log."""

    partition: int
    position: int
    key: int
    value_type: str
    intent: str
    timestamp_ms: int
    value: dict[str, Any]

    @property
    def at(self) -> datetime:
        """Return when it happened, by the engine's clock (the product's)."""
        return instant(self.timestamp_ms)


@dataclass(frozen=True)
class Bulk:
    """The records of one request and the exporter that sent it."""

    exporter: str
    records: list[Record]


def instant(millis: int) -> datetime:
    """Return the engine's epoch milliseconds as an aware instant, exact to the millisecond."""
    return datetime.fromtimestamp(millis // 1000, UTC).replace(microsecond=millis % 1000 * 1000)


def millis(moment: datetime) -> int:
    """Return an instant as epoch milliseconds, rounded up so that "at or after" stays true."""
    seconds, micros = int(moment.timestamp() // 1), moment.microsecond
    return seconds * 1000 + -(-micros // 1000)


def some_key(value: int | None) -> int | None:
    """Return a key, or ``None`` for the engine's "none"."""
    return value if value is not None and value > 0 else None


def parse_bulk(body: bytes) -> Bulk:
    """Parse a ``_bulk`` body; the exporter is told by the prefix of the index the first action names.

    Raises:
        MalformedBulk: the body is something else.
    """
    try:
        records = []
        exporter = ""
        for action, record in _pairs(body):
            if not exporter:
                exporter = str(orjson.loads(action)["index"]["_index"]).split("_", 1)[0]
            records.append(_record(orjson.loads(record)))
    except (orjson.JSONDecodeError, KeyError, TypeError, IndexError, ValueError) as exc:
        raise MalformedBulk(f"{type(exc).__name__}: {exc}") from exc
    return Bulk(exporter, records)


def _pairs(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    lines = iter([line for line in body.split(b"\n") if line])
    for action in lines:
        record = next(lines, None)
        if record is None:
            raise ValueError("an action without a record")
        yield action, record


def _record(raw: dict[str, Any]) -> Record:
    return Record(
        raw["partitionId"],
        raw["position"],
        raw["key"],
        raw["valueType"],
        raw["intent"],
        raw["timestamp"],
        raw["value"],
    )
