"""Read one CSV table: every fault is reported with its file, line and column, and the valid rows are kept."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from catalog_data.problems import Problem

_BOM = b"\xef\xbb\xbf"

T = TypeVar("T", covariant=True)
Row = TypeVar("Row", bound=BaseModel)


@dataclass(frozen=True)
class Located(Generic[T]):
    """A row and the line of its file it begins on (the header is line 1)."""

    line: int
    value: T


def read_text(path: Path, name: str) -> tuple[str | None, list[Problem]]:
    """Return a file's text, or ``None`` and why it cannot be read; UTF-8 without BOM, lines ended by LF."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return None, [Problem(name, 0, "", "文件不存在")]
    except OSError as exc:
        return None, [Problem(name, 0, "", f"文件无法读取：{exc.strerror}")]
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return None, [Problem(name, 1, "", "文件是 UTF-16 编码，请另存为 UTF-8")]
    problems = []
    if raw.startswith(_BOM):
        problems.append(Problem(name, 1, "", "文件以 BOM 开头，请另存为不带 BOM 的 UTF-8"))
        raw = raw.removeprefix(_BOM)
    if b"\r" in raw:
        line = raw[: raw.index(b"\r")].count(b"\n") + 1
        problems.append(Problem(name, line, "", "换行应为 LF，不应有 CR（请另存为 Unix 换行）"))
        raw = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as exc:
        line = raw[: exc.start].count(b"\n") + 1
        return None, [*problems, Problem(name, line, "", "不是 UTF-8 编码，请另存为 UTF-8")]
    if "\x00" in text:
        line = text[: text.index("\x00")].count("\n") + 1
        return None, [*problems, Problem(name, line, "", "含有空字符（NUL），不是文本文件")]
    if not text.strip():
        return None, [*problems, Problem(name, 0, "", "文件是空的")]
    return text, problems


def read_table(root: Path, name: str, row_type: type[Row]) -> tuple[list[Located[Row]], list[Problem]]:
    """Return the rows that fit ``row_type`` and every fault of the others."""
    text, problems = read_text(root / name, name)
    if text is None:
        return [], problems
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    columns = list(row_type.model_fields)
    required = [column for column, field in row_type.model_fields.items() if field.is_required()]
    rows: list[Located[Row]] = []
    line = 1
    try:
        header = next(reader)
        if faults := _header_faults(name, header, columns, required):
            return [], problems + faults
        line = reader.line_num + 1
        for cells in reader:
            if not cells:
                problems.append(Problem(name, line, "", "空行"))
            elif len(cells) != len(header):
                problems.append(Problem(name, line, "", f"应有 {len(header)} 列，实有 {len(cells)} 列"))
            else:
                row, faults = _parse_row(name, line, dict(zip(header, cells, strict=True)), row_type)
                problems += faults
                if row is not None:
                    rows.append(Located(line, row))
            line = reader.line_num + 1
    except csv.Error as exc:
        problems.append(Problem(name, line, "", f"CSV 格式错误：{exc}"))
        return rows, problems
    if line == 2:
        problems.append(Problem(name, 0, "", "只有表头，没有数据"))
    return rows, problems


def describe(error: Any) -> str:
    """Return a validation error as a Chinese sentence."""
    context: dict[str, Any] = error.get("ctx", {})
    match error["type"]:
        case "missing":
            return "缺少"
        case "extra_forbidden":
            return "没有这一项，请删去或改正名称"
        case "value_error":
            return str(context["error"])
        case "enum" | "literal_error":
            choices = "、".join(re.findall(r"'([^']*)'", context["expected"]))
            return f"“{error['input']}”不可用，只能是 {choices}"
        case "int_parsing" | "int_type" | "int_from_float":
            return "应为整数"
        case "bool_type":
            return "应为 true 或 false"
        case "string_type":
            return "应为文字"
        case "string_too_short" | "too_short":
            return "不能为空"
        case "string_pattern_mismatch":
            return f"“{error['input']}”的格式不对"
        case "greater_than_equal":
            return f"不得小于 {context['ge']}"
        case "less_than_equal":
            return f"不得大于 {context['le']}"
        case "tuple_type":
            return "应为列表"
        case "dict_type" | "model_type" | "model_attributes_type":
            return "应为键值对"
        case _:
            return str(error["msg"])


def _header_faults(name: str, header: Sequence[str], columns: Sequence[str], required: Sequence[str]) -> list[Problem]:
    faults = [Problem(name, 1, column, "缺少这一列") for column in required if column not in header]
    faults += [Problem(name, 1, column, "没有这一列，请删去或改名") for column in header if column not in columns]
    faults += [
        Problem(name, 1, column, "列名重复") for column in dict.fromkeys(header) if list(header).count(column) > 1
    ]
    return faults


def _parse_row(name: str, line: int, cells: dict[str, str], row_type: type[Row]) -> tuple[Row | None, list[Problem]]:
    untidy = [
        Problem(name, line, column, "首尾有空白或含有换行")
        for column, cell in cells.items()
        if cell != cell.strip() or "\n" in cell
    ]
    if untidy:
        return None, untidy
    try:
        return row_type.model_validate(cells), []
    except ValidationError as exc:
        return None, [
            Problem(name, line, str(error["loc"][0]) if error["loc"] else "", describe(error)) for error in exc.errors()
        ]
