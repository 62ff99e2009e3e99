"""Recognize transient failures, which say nothing about the job: the database is away or locked, the disk is full, or
a service the job needs does not answer.

Three such failures in a minute are no reason to stop a case until a person asks for a retry.
"""

import errno

from sqlalchemy import exc as sql

from services.errors import Unavailable

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE})
_UNAVAILABLE = (sql.OperationalError, sql.InterfaceError)
_SQLITE_MISTAKE = "SQLITE_ERROR"
"""SQLite's code for a faulty statement, such as one on a missing table; lock, disk and file errors have others."""


def is_momentary(error: BaseException) -> bool:
    """Tell whether the same job may well succeed a little later without anybody intervening."""
    if isinstance(error, Unavailable):
        return True
    if isinstance(error, sql.TimeoutError | sql.DisconnectionError):
        return True
    if isinstance(error, sql.DBAPIError):
        mistake = getattr(error.orig, "sqlite_errorname", None) == _SQLITE_MISTAKE
        return error.connection_invalidated or (isinstance(error, _UNAVAILABLE) and not mistake)
    return isinstance(error, OSError) and error.errno in NO_ROOM
