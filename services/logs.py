"""Structured logs: one JSON object per line on standard error, the same in every component.

An event is named ``noun.verb`` and carries keys (``case_no``, ``process_instance_key``, ``job_key``), never a person's
data: values under the names in ``PERSONAL`` are dropped here as a last resort.
"""

import logging
import sys
from collections.abc import Iterator, MutableMapping
from typing import Any, Final

import orjson
import structlog

PERSONAL: Final = frozenset(
    {"applicant", "name", "id_number", "phone", "password", "token", "access_token", "opinion", "variables", "body"}
)

QUOTING: Final = frozenset({"sqlalchemy", "sqlite3", "psycopg", "pydantic", "pydantic_core"})
"""Libraries whose error messages quote the values they fail on."""


def configure_logging(component: str, level: int = logging.INFO) -> None:
    """Send the logs of this process, those of libraries too, to standard error as JSON lines.

    ``component`` (``web``, ``bridge``, ``workers`` …) is on every line. Call it once, where a process begins.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        _component(component),
    ]
    rendering: list[structlog.typing.Processor] = [
        _EXCEPTIONS,
        drop_personal_data,
        structlog.processors.JSONRenderer(serializer=_serialize),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("httpx", "httpcore", "alembic", "asyncio", "pyzeebe", "zeebe"):
        logging.getLogger(noisy).setLevel(max(level, logging.WARNING))


def drop_personal_data(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Remove values that are, or may hold, a person's data or a secret."""
    for key in PERSONAL & event.keys():
        del event[key]
    return event


class _Tracebacks(structlog.tracebacks.ExceptionDictTransformer):
    """Tell where an error arose, without local variables and without messages that quote values of rows or input."""

    def __call__(self, exc_info: structlog.typing.ExcInfo) -> list[dict[str, Any]]:
        stacks = super().__call__(exc_info)
        error: BaseException | None = exc_info[1]
        if any(module in QUOTING for module in _modules(error)):
            for stack in stacks:
                stack["exc_value"] = ""
        return stacks


def _modules(error: BaseException | None) -> Iterator[str]:
    while error is not None:
        yield from (kind.__module__.partition(".")[0] for kind in type(error).__mro__)
        error = error.__cause__ or error.__context__


_EXCEPTIONS = structlog.processors.ExceptionRenderer(_Tracebacks(show_locals=False))


def _component(component: str) -> structlog.typing.Processor:
    def add(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event.setdefault("component", component)
        return event

    return add


def _serialize(event: Any, **_options: Any) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
