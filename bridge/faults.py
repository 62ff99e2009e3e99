"""Classify failures of the projection: a bad record, to be set aside, or a transient fault, to be retried.

What is not clearly the record's fault counts as transient: the request is refused, and the exporter repeats it.
"""

import orjson
from sqlalchemy import exc as sql

from models.model_files import UnreadableModel, json_fault
from services.errors import TongquanError

_OF_THE_SCHEMA = frozenset({"42P01", "42703", "42501", "3D000", "3F000"})
"""SQLSTATEs of a table, column, right, database or schema that is missing: an unfinished migration, not a record."""
_OF_THE_MOMENT = (
    OSError,
    MemoryError,
    sql.TimeoutError,
    sql.DisconnectionError,
    sql.PendingRollbackError,
    sql.ResourceClosedError,
    sql.UnboundExecutionError,
)
SERVER_ERROR = 500
LATER = "升级系统后可以重试"


def is_of_the_record(failure: Exception) -> bool:
    """Tell whether a failure to project comes from the record's own content."""
    if isinstance(failure, _OF_THE_MOMENT):
        return False
    if isinstance(failure, sql.DBAPIError):
        if failure.connection_invalidated:
            return False
        if isinstance(failure, sql.ProgrammingError):
            # SQLite and psycopg also raise this for a value they cannot bind.
            closed = "closed" in str(failure.orig)
            return not closed and getattr(failure.orig, "sqlstate", None) not in _OF_THE_SCHEMA
        return isinstance(failure, sql.DataError | sql.IntegrityError)
    return not (isinstance(failure, TongquanError) and failure.status > SERVER_ERROR)


def reason_of(failure: Exception) -> str:
    """Say in a sentence for administrators why a record could not be projected; no value of the record is quoted."""
    if isinstance(failure, UnreadableModel):
        return str(failure)
    if isinstance(failure, sql.IntegrityError):
        return f"与已有的数据冲突，{LATER}"
    if isinstance(failure, sql.StatementError | UnicodeError | OverflowError):
        return f"内容无法存入数据库（过长、数字过大，或含有残缺的字符），{LATER}"
    if isinstance(failure, orjson.JSONDecodeError):
        return f"{json_fault(failure)}，{LATER}"
    if isinstance(failure, TongquanError):
        return f"{failure.message.rstrip('。')}，{LATER}"
    if isinstance(failure, KeyError) and failure.args and str(failure.args[0]).isidentifier():
        return f"缺少 {failure.args[0]}，{LATER}"
    return f"结构无法识别（{type(failure).__name__}，{_place(failure)}），{LATER}"


def _place(failure: Exception) -> str:
    frames = failure.__traceback__
    while frames is not None and frames.tb_next is not None:
        frames = frames.tb_next
    if frames is None:
        return "?"
    return f"{frames.tb_frame.f_globals.get('__name__', '?')}:{frames.tb_lineno}"
