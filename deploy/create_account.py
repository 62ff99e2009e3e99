"""Create one account; a production database begins without any.

``python -m deploy.create_account USERNAME DISPLAY_NAME GROUP…`` reads the password as one line from standard input,
so that it is in no process list and no shell history.
"""

import argparse
import getpass
import sys

from models.database import Database
from ops.terminal import complain, say
from services.accounts import registration
from services.clock import machine_now
from services.errors import TongquanError
from services.journal import audit
from settings import get_settings

ACTOR = "deployment"
"""Whom the audit trail names: nobody has signed in."""


def create(database: Database, username: str, display_name: str, password: str, groups: list[str]) -> None:
    """Create the account and its entry in the audit trail in one transaction.

    Raises:
        TongquanError: see :func:`services.accounts.registration.create_account`.
    """
    with database.transaction() as session:
        registration.create_account(session, username, display_name, password, groups)
        audit.append(session, ACTOR, "account.create", username, {"groups": sorted(set(groups))}, machine_now())


def main(arguments: list[str] | None = None) -> int:
    """Create the account the arguments name."""
    parser = argparse.ArgumentParser(prog="python -m deploy.create_account", description="创建一个账号。")
    parser.add_argument("username", help="用户名")
    parser.add_argument("display_name", help="显示名")
    parser.add_argument("groups", nargs="+", help="所属组，例如 admin.system、xingguo.window")
    given = parser.parse_args(arguments)
    password = getpass.getpass("密码：") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    database = Database(get_settings().effective_database_url, pool_size=1)
    try:
        create(database, given.username, given.display_name, password, given.groups)
    except TongquanError as exc:
        complain(exc.message)
        return 1
    finally:
        database.dispose()
    say(f"✓ 已创建账号 {given.username}（{'、'.join(given.groups)}）")
    return 0


if __name__ == "__main__":
    sys.exit(main())
