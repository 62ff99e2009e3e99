"""Turn a template and its context into a response: formats, asset addresses and the headers every page carries."""

import hashlib
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.pages import words
from models.database import CHINA
from settings import get_settings

API_ROOT: Final = Path(__file__).resolve().parent.parent
STATIC_ROOT: Final = API_ROOT / "static"

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
"""No inline script, nothing from elsewhere; bpmn-js and form-js set style attributes, hence the one exception."""

PAGE_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}

WEEKDAYS: Final = "一二三四五六日"


def render(request: Request, template: str, context: dict[str, Any], status: int = 200) -> HTMLResponse:
    """Render ``template``; the visitor, when there is one, comes from the request's state."""
    text = (
        _environment()
        .get_template(template)
        .render(
            request=request,
            path=request.url.path,
            visitor=getattr(request.state, "visitor", None),
            exposed_demonstration=get_settings().exposed_demonstration,
            **context,
        )
    )
    return HTMLResponse(text, status_code=status, headers=PAGE_HEADERS)


def render_changed(request: Request, template: str, context: dict[str, Any]) -> Response:
    """Render a polled fragment, or answer 204 when the browser already shows it.

    The browser sends back the digest it was given (``seen``), so an idle poll costs no bytes and moves no focus.
    """
    response = render(request, template, context)
    digest = hashlib.sha256(bytes(response.body)).hexdigest()[:16]
    if request.headers.get("X-Seen") == digest:
        return Response(status_code=204, headers={"Cache-Control": "no-store"})
    response.headers["X-Digest"] = digest
    return response


def asset(path: str) -> str:
    """Return the address of a static file, which changes with its content so that browsers may cache it."""
    file = STATIC_ROOT / path
    stamp = file.stat().st_mtime_ns if file.is_file() else 0
    return f"/static/{path}?v={_content_version(path, stamp)}"


@lru_cache(maxsize=256)
def _content_version(path: str, _stamp: int) -> str:
    file = STATIC_ROOT / path
    return hashlib.sha256(file.read_bytes()).hexdigest()[:10] if file.is_file() else "missing"


def _moment(value: datetime | None) -> str:
    return value.astimezone(CHINA).strftime("%Y-%m-%d %H:%M") if value else "—"


def _day(value: datetime | date | None) -> str:
    if isinstance(value, datetime):
        value = value.astimezone(CHINA).date()
    return value.isoformat() if value else "—"


def _weekday(value: datetime | date | None) -> str:
    if isinstance(value, datetime):
        value = value.astimezone(CHINA).date()
    return f"周{WEEKDAYS[value.weekday()]}" if value else ""


def _file_size(size: int) -> str:
    return f"{size / 1024 / 1024:.1f} MB" if size >= 1024 * 1024 else f"{max(1, round(size / 1024))} KB"


def _until(value: datetime | None, now: datetime) -> str:
    """Return in calendar days how far off a due instant is."""
    if value is None:
        return ""
    days = (value.astimezone(CHINA).date() - now.astimezone(CHINA).date()).days
    if now > value:
        return f"已超期 {-days} 天" if days < 0 else "已超期"
    return "今日到期" if days == 0 else f"还有 {days} 天"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(API_ROOT / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(moment=_moment, day=_day, weekday=_weekday, until=_until, file_size=_file_size)
    environment.globals.update(asset=asset, words=words)
    return environment
