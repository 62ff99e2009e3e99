"""Recognize by its last record that a whole request has been taken before, without reading the others.

After a crash the exporters send everything since the engine's snapshot again, and nothing new arrives before that is
through. An exporter sends one partition's records in the order of the log: where the last one of a request is known,
all are. Anything unusual does not count as a repetition here and goes the ordinary way.
"""

from dataclasses import dataclass

import orjson


@dataclass(frozen=True)
class Last:
    """The last record of a request whose records are all one partition's."""

    exporter: str
    partition: int
    position: int
    timestamp_ms: int


def last_record(body: bytes) -> Last | None:
    """Return the last record of a ``_bulk`` body; ``None`` where the body is not plainly one partition's."""
    end = len(body.rstrip(b"\n"))
    line_at = body.rfind(b"\n", 0, end) + 1
    action_at = body.rfind(b"\n", 0, max(0, line_at - 1)) + 1
    if not 0 <= action_at < line_at:
        return None
    try:
        index = orjson.loads(body[action_at : line_at - 1])["index"]
        named, number = str(index["_id"]).split("-")
        record = orjson.loads(body[line_at:end])
        last = Last(str(index["_index"]).split("_", 1)[0], int(named), int(number), record["timestamp"])
        same = record["partitionId"] == last.partition and record["position"] == last.position
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return None
    # Every action names its partition; a text that looks like one only makes the request unusual.
    named_so = body.count(b'"_id":"%d-' % last.partition)
    throughout = named_so == body.count(b'"_id":"') == (body.count(b"\n", 0, end) + 1) // 2
    return last if same and throughout and type(last.timestamp_ms) is int else None
