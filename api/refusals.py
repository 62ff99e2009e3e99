"""Reasons why the web refuses a body before it looks at any of it."""

from services.errors import TongquanError


class BodyTooLarge(TongquanError):
    """The request's body is longer than the product takes (413)."""

    status, code, title, title_en = 413, "body_too_large", "提交的内容过大", "Request body too large"


class UnsupportedMediaType(TongquanError):
    """The request's body is not declared as JSON (415)."""

    status, code = 415, "unsupported_media_type"
    title, title_en = "请求内容应为 JSON（application/json）", "The body must be JSON (application/json)"
