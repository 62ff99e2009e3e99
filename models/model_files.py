"""Read what a designer wrote: a form's JSON, a process's XML. What cannot be read is reported, never changed.

The engine is more lenient than the product: Camunda 8.5.8 takes a form with a byte order mark, a lone surrogate, an
infinite number, or text after its end, and a model in any encoding Java knows. Each of them would have to be altered to
be kept or shown, and what a form says is for its author to decide.
"""

import codecs
import re
from typing import Any

import orjson

from models import form

_ENCODING = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_UNICODE = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
SAVE_AS_UTF8 = "请在 Modeler 中以 UTF-8（无 BOM）保存后重新部署"
CORRECT = "请改正后重新部署"


class UnreadableModel(ValueError):
    """A form or model cannot be read; ``fault`` says what is wrong, ``way_out`` what its author is to do."""

    def __init__(self, fault: str, way_out: str) -> None:
        super().__init__(f"{fault}，{way_out}")
        self.fault = fault
        self.way_out = way_out


def read_form(content: bytes) -> dict[str, Any]:
    """Return a form's schema; the product's rules for forms can be applied to it.

    Raises:
        UnreadableModel: it is not JSON the product can store, or not a form.
    """
    if content.startswith(codecs.BOM_UTF8):
        raise UnreadableModel("含有字节顺序标记（BOM）", SAVE_AS_UTF8)
    try:
        schema = orjson.loads(content)
        orjson.dumps(schema)
    except orjson.JSONDecodeError as exc:
        raise _unreadable_json(exc) from exc
    except orjson.JSONEncodeError as exc:
        raise UnreadableModel("嵌套过深", CORRECT) from exc
    if not isinstance(schema, dict):
        raise UnreadableModel("不是表单（应为 JSON 对象）", CORRECT)
    try:
        form.outcomes(schema)
        form.check_answer(schema, {}, "")
    except (AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError) as exc:
        raise UnreadableModel("组件的结构无法识别", CORRECT) from exc
    return schema


def read_process(content: bytes) -> str:
    """Return a process's XML as text, without a byte order mark, which XML allows.

    Raises:
        UnreadableModel: it is not in UTF-8, or declares another encoding.
    """
    declared = _ENCODING.match(content.removeprefix(codecs.BOM_UTF8))
    encoding = declared[1].decode().lower() if declared else "utf-8"
    if encoding not in _UNICODE and not content.isascii():
        raise UnreadableModel(f"不是 UTF-8 编码（声明为 {encoding.upper()}）", SAVE_AS_UTF8)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise UnreadableModel("不是 UTF-8 编码", SAVE_AS_UTF8) from exc


def json_fault(exc: orjson.JSONDecodeError) -> str:
    """Return in plain words why a text is not JSON the product can store."""
    message = str(exc)
    if "UTF-8" in message:
        return "不是 UTF-8 编码"
    if "surrogate" in message:
        return f"含有残缺的字符（单独的代理项，如 \\ud800），在第 {exc.lineno} 行"
    if "infinity" in message:
        return f"含有超出范围的数字（如 1e400），在第 {exc.lineno} 行"
    if "depth" in message or "recursion" in message.lower():
        return "嵌套过深"
    return f"不是有效的 JSON（第 {exc.lineno} 行第 {exc.colno} 列）"


def _unreadable_json(exc: orjson.JSONDecodeError) -> UnreadableModel:
    fault = json_fault(exc)
    return UnreadableModel(fault, SAVE_AS_UTF8 if "编码" in fault else CORRECT)
