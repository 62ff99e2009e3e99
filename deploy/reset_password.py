"""Give one account a one-time password, on the machine itself.

``python -m deploy.reset_password USERNAME`` prints it. This is the way back in for the security and the audit
administrator, whose passwords the system administrator may not reset (三员分立), and for a sole system administrator.
"""

import argparse
import sys

from deploy.create_account import ACTOR
from models.database import Database
from ops.terminal import complain, say
from services.accounts import administration
from services.accounts.password_policy import one_time_password
from services.accounts.passwords import hash_password
from services.errors import TongquanError
from settings import get_settings


def reset(database: Database, username: str) -> str:
    """Replace the account's password, end its sessions, write it down, and return the one-time password.

    Raises:
        NotFound: nobody has the user name.
    """
    password = one_time_password()
    password_hash = hash_password(password)
    with database.transaction() as session:
        found = administration.get_for_update(session, username)
        administration.replace_password(session, found, password_hash, ACTOR)
    return password


def main(arguments: list[str] | None = None) -> int:
    """Reset the password of the account the arguments name."""
    parser = argparse.ArgumentParser(prog="python -m deploy.reset_password", description="重置一个账号的密码。")
    parser.add_argument("username", help="用户名")
    given = parser.parse_args(arguments)
    database = Database(get_settings().effective_database_url, pool_size=1)
    try:
        password = reset(database, given.username)
    except TongquanError as exc:
        complain(exc.message)
        return 1
    finally:
        database.dispose()
    say(f"✓ 已重置 {given.username} 的密码，首次登录须修改。一次性密码：{password}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
