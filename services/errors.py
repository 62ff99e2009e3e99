"""Errors of the product: a stable code, an HTTP status, and a message for people in Chinese and English."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FieldProblem:
    """One input field and what is wrong with it."""

    field: str
    message: str


class TongquanError(Exception):
    """The base of every error the product raises on purpose."""

    status: int = 500
    code: str = "internal_error"
    title: str = "系统内部错误"
    title_en: str = "Internal error"
    problems: list[FieldProblem] | None = None
    """What is wrong with single fields, where the error is about some."""

    def __init__(self, detail: str = "", detail_en: str = "", **extra: object) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.detail_en = detail_en or self.title_en
        self.extra = extra

    @property
    def message(self) -> str:
        """Return the sentence shown to a person."""
        return self.detail


class InvalidInput(TongquanError):
    """The request's content is not acceptable (422)."""

    status, code, title, title_en = 422, "invalid_input", "提交的内容有误", "Invalid input"

    def __init__(self, problems: list[FieldProblem]) -> None:
        super().__init__("；".join(f"{p.field}：{p.message}" for p in problems) or self.title)
        self.problems: list[FieldProblem] = problems


class Unauthenticated(TongquanError):
    """Nobody is signed in, or the token is unknown or expired (401)."""

    status, code, title, title_en = 401, "unauthenticated", "请先登录", "Sign in first"


class Forbidden(TongquanError):
    """The account's roles do not allow it (403)."""

    status, code, title, title_en = 403, "forbidden", "没有权限", "Forbidden"


class NotFound(TongquanError):
    """There is no such thing (404)."""

    status, code, title, title_en = 404, "not_found", "未找到", "Not found"


class Conflict(TongquanError):
    """The present state does not allow it (409)."""

    status, code, title, title_en = 409, "conflict", "当前状态不允许此操作", "Conflict"


class TooManyRequests(TongquanError):
    """It was tried too often (429); after ``retry_after`` seconds it may be tried again."""

    status, code, title, title_en = 429, "too_many_requests", "操作过于频繁，请稍后再试", "Too many requests"

    def __init__(self, retry_after: int, detail: str = "", detail_en: str = "") -> None:
        super().__init__(detail, detail_en)
        self.retry_after = retry_after


class Unavailable(TongquanError):
    """A part the request needs is not ready (503)."""

    status, code, title, title_en = 503, "unavailable", "服务暂不可用", "Unavailable"


class SetupError(TongquanError):
    """Start-up cannot go on; the detail is one sentence with the way out."""

    code, title, title_en = "setup_error", "无法启动", "Cannot start"


class IdempotencyConflict(Conflict):
    """The key was used for another body."""

    code, title, title_en = "idempotency_conflict", "同一幂等键已用于另一份内容", "Idempotency key reused"
