"""Records as the engine's exporter sends them, each line read by itself."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from models.model_files import json_fault

NO_KEY = -1
"""The engine's value for "none"."""
LARGEST_KEY = 2**63 - 1
LARGEST_PARTITION = 2**13
LATEST_MS = 253_402_300_799_999
"""The last millisecond of the year 9999."""


class MalformedBulk(Exception):
    """The body is not what the exporter sends: pairs of an action line and a record line."""


@dataclass(slots=True)
class Record:
    """One event of the engine's log.

    ``raw`` is its line. ``fault`` says why that line could not be read; partition and position are certain then, the
    rest is what could be made out, for people and for telling which other records are about the same thing.
    """

    partition: int
    position: int
    key: int
    value_type: str
    intent: str
    timestamp_ms: int
    value: dict[str, Any]
    raw: bytes = b""
    fault: str = ""

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
    """Parse a ``_bulk`` body; the exporter is known by the prefix of the index the first action names.

    A record's line that cannot be read becomes a record with a fault, placed by its action's id.

    Raises:
        MalformedBulk: the body is something else.
    """
    try:
        records = []
        exporter = ""
        for action, line in _pairs(body):
            if not exporter:
                exporter = str(orjson.loads(action)["index"]["_index"]).split("_", 1)[0]
            try:
                records.append(read_record(line))
            except UnreadableRecord as exc:
                records.append(_faulty(orjson.loads(action)["index"], line, str(exc)))
    except (orjson.JSONDecodeError, KeyError, TypeError, IndexError, ValueError) as exc:
        raise MalformedBulk(f"{type(exc).__name__}: {exc}") from exc
    return Bulk(exporter, records)


class UnreadableRecord(ValueError):
    """A line is not a record; the message says why, in words for people."""


def read_record(line: bytes) -> Record:
    """Return the record of one line.

    Raises:
        UnreadableRecord: it is not JSON, or not of a record's shape.
    """
    try:
        raw = orjson.loads(line)
    except orjson.JSONDecodeError as exc:
        raise UnreadableRecord(f"引擎记录{json_fault(exc)}") from exc
    try:
        record = Record(
            raw["partitionId"],
            raw["position"],
            raw["key"],
            raw["valueType"],
            raw["intent"],
            raw["timestamp"],
            raw["value"],
            line,
        )
    except (KeyError, TypeError) as exc:
        missing = f"：缺少 {exc.args[0]}" if isinstance(exc, KeyError) else ""
        raise UnreadableRecord(f"引擎记录的结构无法识别{missing}") from exc
    if not _is_well_formed(record):
        raise UnreadableRecord("引擎记录的结构无法识别")
    return record


def _pairs(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    lines = iter([line for line in body.split(b"\n") if line])
    for action in lines:
        record = next(lines, None)
        if record is None:
            raise ValueError("an action without a record")
        yield action, record


def _is_well_formed(record: Record) -> bool:
    return (
        _is_within(record.partition, 0, LARGEST_PARTITION)
        and _is_within(record.position, 0, LARGEST_KEY)
        and _is_within(record.key, NO_KEY, LARGEST_KEY)
        and _is_within(record.timestamp_ms, 0, LATEST_MS)
        and isinstance(record.value_type, str)
        and isinstance(record.intent, str)
        and isinstance(record.value, dict)
    )


def _is_within(number: object, least: int, most: int) -> bool:
    return type(number) is int and least <= number <= most


def _faulty(action: dict[str, Any], line: bytes, fault: str) -> Record:
    """Return a record for an unreadable line; the exporter writes partition and position into its action's id."""
    partition, position = map(int, str(action["_id"]).split("-"))
    if not _is_within(partition, 0, LARGEST_PARTITION) or not _is_within(position, 0, LARGEST_KEY):
        raise ValueError("a position out of range")
    made_out = _made_out(line)
    key, at = made_out.get("key"), made_out.get("timestamp")
    intent, value = made_out.get("intent"), made_out.get("value")
    return Record(
        partition,
        position,
        key if isinstance(key, int) and _is_within(key, NO_KEY, LARGEST_KEY) else NO_KEY,
        # The index is named after exporter and value type: tq-feed_user-task_8.5.8_2026-11-28.
        str(action["_index"]).split("_")[1].replace("-", "_").upper(),
        intent if isinstance(intent, str) else "",
        at if isinstance(at, int) and _is_within(at, 0, LATEST_MS) else 0,
        value if isinstance(value, dict) else {},
        line,
        fault,
    )


def _made_out(line: bytes) -> dict[str, Any]:
    """Return what a more lenient parser makes of a line, to tell what it is about; nothing where that fails too."""
    try:
        found = json.loads(line.decode(errors="replace"))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
