"""What comes back as a cursor is what was handed out, or it is refused."""

import base64
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.database import CHINA
from services import cursors
from services.cursors import BIG_INTEGER_END, FIRST_INSTANT, INTEGER_END, LAST_INSTANT, InvalidCursor
from services.errors import InvalidInput

INTEGERS = st.integers(0, INTEGER_END - 1)
KEYS = st.integers(0, BIG_INTEGER_END - 1)
CODES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E))
INSTANTS = st.datetimes(
    FIRST_INSTANT.replace(tzinfo=None) + timedelta(days=1),
    LAST_INSTANT.replace(tzinfo=None) - timedelta(days=1),
    timezones=st.sampled_from([UTC, CHINA]),
)
LISTS = {
    "numbers": ((cursors.integer,), st.tuples(INTEGERS)),
    "keys": ((cursors.big_integer,), st.tuples(KEYS)),
    "codes": ((cursors.text,), st.tuples(CODES)),
    "tasks": ((cursors.instant, cursors.big_integer), st.tuples(INSTANTS, KEYS)),
    "cases": ((cursors.instant, cursors.text), st.tuples(INSTANTS, CODES)),
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | INSTANTS.map(datetime.isoformat),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=6,
)


def written(value: Any, **style: Any) -> str:
    """Write any JSON as a forger would."""
    return base64.urlsafe_b64encode(json.dumps(value, **style).encode()).decode().rstrip("=")


@pytest.mark.parametrize("name", LISTS)
@given(data=st.data())
def test_a_position_comes_back_from_its_cursor(name: str, data: st.DataObject) -> None:
    readers, positions = LISTS[name]
    position = data.draw(positions)
    assert cursors.decode(cursors.encode(*position), *readers) == position


@pytest.mark.parametrize("cursor", [None, ""])
def test_no_cursor_is_the_start(cursor: str | None) -> None:
    assert cursors.decode(cursor, cursors.integer) is None


@pytest.mark.parametrize("name", LISTS)
@given(cursor=st.text(min_size=1) | st.binary(min_size=1).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_any_signs_are_refused_or_are_the_cursor_of_a_position(name: str, cursor: str) -> None:
    refused_or_canonical(cursor, LISTS[name][0])


@pytest.mark.parametrize("name", LISTS)
@given(value=JSON | st.lists(JSON, max_size=3) | st.tuples(INSTANTS.map(datetime.isoformat), JSON))
def test_any_json_is_refused_or_is_the_cursor_of_a_position(name: str, value: Any) -> None:
    refused_or_canonical(written(value), LISTS[name][0])


def refused_or_canonical(cursor: str, readers: tuple[cursors.Reader, ...]) -> None:
    position = None
    with suppress(InvalidCursor):
        position = cursors.decode(cursor, *readers)
    assert position is None or cursors.encode(*position) == cursor


def test_a_refusal_names_the_field() -> None:
    with pytest.raises(InvalidInput) as refusal:
        cursors.decode("forged", cursors.integer)
    assert [problem.field for problem in refusal.value.problems] == ["cursor"]


@pytest.mark.parametrize(
    ("value", "reader"),
    [
        (INTEGER_END, cursors.integer),
        (BIG_INTEGER_END, cursors.big_integer),
        (-1, cursors.integer),
        (True, cursors.integer),
        (1.0, cursors.integer),
        ("1", cursors.integer),
        (1, cursors.text),
        ("\0", cursors.text),
        ("a\nb", cursors.text),
        ("受理", cursors.text),
        ("\ud800", cursors.text),
        (None, cursors.text),
        ("yesterday", cursors.instant),
        ("2026-01-01T00:00:00", cursors.instant),
        ("2026-01-01T00:00:00Z", cursors.instant),
        ("2026-01-01T08:00:00+08:00", cursors.instant),
        ("0001-01-01T00:00:00+00:00", cursors.instant),
        ("0001-01-01T00:00:00+23:59", cursors.instant),
        ("9999-12-31T23:59:59+00:00", cursors.instant),
        ("9999-12-31T23:59:59-23:59", cursors.instant),
        (20260101, cursors.instant),
    ],
)
def test_a_value_its_column_cannot_hold_is_refused(value: Any, reader: cursors.Reader) -> None:
    with pytest.raises(InvalidCursor):
        cursors.decode(written([value]), reader)


@pytest.mark.parametrize(
    "cursor",
    [
        written([7]) + "=",
        written([7]) + "\n",
        written([7], indent=1),
        written({"0": 7}),
        written([[7]]),
        written([]),
        written([7, 7]),
        base64.urlsafe_b64encode(b"[" * 100_000).decode(),
        base64.urlsafe_b64encode(b"[NaN]").decode(),
        base64.urlsafe_b64encode(b"[" + b"9" * 5000 + b"]").decode(),
        base64.urlsafe_b64encode("[7]".encode("utf-16")).decode(),
    ],
)
def test_a_cursor_written_otherwise_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        cursors.decode(cursor, cursors.integer)


def test_the_two_alphabets_of_base64_are_not_mixed() -> None:
    genuine = cursors.encode("?>>~")
    assert cursors.decode(genuine, cursors.text) == ("?>>~",)
    foreign = genuine.translate(str.maketrans("-_", "+/"))
    assert foreign != genuine
    with pytest.raises(InvalidCursor):
        cursors.decode(foreign, cursors.text)


def test_instants_are_told_in_utc_to_the_microsecond() -> None:
    at = datetime(2026, 3, 1, 8, 0, 0, 1, tzinfo=UTC)
    assert cursors.decode(written(["2026-03-01T08:00:00.000001+00:00"]), cursors.instant) == (at,)
