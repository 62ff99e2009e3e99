"""Say what is wrong with an input field, in Chinese or English."""

import re
from collections.abc import Mapping
from typing import Any, Final

CHINESE: Final = {
    "missing": "必填",
    "string_type": "应为文字",
    "string_unicode": "含有无法识别的字符",
    "string_too_short": "长度不能少于 {min_length} 个字符",
    "string_too_long": "长度不能超过 {max_length} 个字符",
    "string_pattern_mismatch": "格式不正确",
    "too_long": "不能超过 {max_length} 项",
    "too_short": "不能少于 {min_length} 项",
    "enum": "应为：{expected}",
    "literal_error": "应为：{expected}",
    "extra_forbidden": "不支持的字段",
    "int_type": "应为整数",
    "int_parsing": "应为整数",
    "int_parsing_size": "整数过大",
    "int_from_float": "应为整数",
    "float_type": "应为数字",
    "float_parsing": "应为数字",
    "finite_number": "应为有限的数",
    "bool_type": "应为 true 或 false",
    "bool_parsing": "应为 true 或 false",
    "list_type": "应为数组",
    "dict_type": "应为对象",
    "model_type": "应为对象",
    "model_attributes_type": "应为对象",
    "greater_than": "应大于 {gt}",
    "greater_than_equal": "不能小于 {ge}",
    "less_than": "应小于 {lt}",
    "less_than_equal": "不能大于 {le}",
    "cursor": "游标无效",
    "date_type": "应为 YYYY-MM-DD 格式的日期",
    "date_parsing": "应为 YYYY-MM-DD 格式的日期",
    "date_from_datetime_parsing": "应为 YYYY-MM-DD 格式的日期",
}
"""The Chinese sentences for pydantic's kinds of error."""

OTHERWISE: Final = "内容无效"

_RANGE: Final = re.compile(r"\s*([A-Za-z*]{1,8})(?:-[A-Za-z0-9-]*)?\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?))?\s*")


def validation_message(error: Mapping[str, Any], *, english: bool) -> str:
    """Return the sentence of one pydantic error."""
    if english:
        return str(error.get("msg", "Invalid value"))
    sentence = CHINESE.get(str(error.get("type", "")), OTHERWISE)
    context = {key: str(value).replace(" or ", "、") for key, value in error.get("ctx", {}).items()}
    try:
        return sentence.format(**context)
    except KeyError:
        return OTHERWISE


def prefers_english(accept_language: str | None) -> bool:
    """Tell whether ``Accept-Language`` puts English before Chinese; without a preference Chinese is used."""
    weight = {"en": 0.0, "zh": 0.0}
    for part in (accept_language or "").split(",")[:20]:
        matched = _RANGE.fullmatch(part)
        if matched is None:
            continue
        language, quality = matched[1].lower(), float(matched[2] or 1)
        if language in weight:
            weight[language] = max(weight[language], quality)
    return weight["en"] > weight["zh"]
