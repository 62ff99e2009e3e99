"""Tell what a job's failure says of the moment, not of the job: the database is away or kept, the disk is full.

Three such failures in a minute are no reason to stop a case until a person asks for another try.
"""

import errno

from sqlalchemy import exc as sql

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE})
_UNAVAILABLE = (sql.OperationalError, sql.InterfaceError)
_SQLITE_MISTAKE = "SQLITE_ERROR"
"""SQLite's word for a mistake in a statement, such as a missing table; lock, disk and file have words of their own."""


def is_momentary(error: BaseException) -> bool:
    """Tell whether the same job may well succeed a little later, without anybody's doing."""
    if isinstance(error, sql.TimeoutError | sql.DisconnectionError):
        return True
    if isinstance(error, sql.DBAPIError):
        mistake = getattr(error.orig, "sqlite_errorname", None) == _SQLITE_MISTAKE
        return error.connection_invalidated or (isinstance(error, _UNAVAILABLE) and not mistake)
    return isinstance(error, OSError) and error.errno in NO_ROOM
