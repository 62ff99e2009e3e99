"""``tongquan init --production``: begin a production instance with its keys and its three administrators (三员).

Either everything is there afterwards or nothing: what a failed attempt made is removed again, and ``instance.json``,
which makes the directory an instance's, is written within the transaction that creates the accounts.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy import inspect
from sqlmodel import select

from models.account import Account
from models.database import Database
from models.group import AUDIT_ADMINISTRATOR, SECURITY_ADMINISTRATOR, SYSTEM_ADMINISTRATOR, Group
from ops import environment, production
from ops.instance import Identity, InstanceDirectory
from services import keys, setup
from services.accounts import password_policy, registration
from services.clock import machine_now
from services.documents import signing
from services.errors import SetupError
from services.journal import audit
from settings import Environment, get_settings

ACTOR = "init"
"""The actor the audit trail names, since nobody has signed in."""


OFFICES: Mapping[Group, str] = {
    SYSTEM_ADMINISTRATOR: "系统管理员",
    SECURITY_ADMINISTRATOR: "安全保密管理员",
    AUDIT_ADMINISTRATOR: "安全审计员",
}

MODES = """\
tongquan 有两种运行模式，开始时选定，之后不能互换：

  开发   tongquan up
         自动建立演示账号（口令公开）、示例协议和密钥；用于试用、演示和开发。

  正式   tongquan init --production --state-dir DIR
         建立只有属主可读的状态目录、密钥和三名管理员（系统、安全保密、审计，不得由同一人担任），
         不带任何演示数据；之后用 tongquan up --state-dir DIR 启动。"""


@dataclass(frozen=True)
class Person:
    """A person to be appointed: the user name to sign in with, and the name."""

    username: str
    name: str

    @staticmethod
    def parse(text: str) -> "Person":
        """Read ``用户名`` or ``用户名=姓名``.

        Raises:
            SetupError: there is no user name.
        """
        username, _, name = (part.strip() for part in text.partition("="))
        if not username:
            raise SetupError("管理员应写作 用户名=姓名，例如 --system zhang.san=张三")
        return Person(username, name or username)


def init_production(directory: InstanceDirectory, wanted: Identity, people: Mapping[Group, Person]) -> dict[Group, str]:
    """Begin the instance and return each administrator's first password, which is kept nowhere.

    Raises:
        SetupError: the directory is in use, the database has accounts, two of the three are one person.
        TongquanError: see :func:`services.accounts.registration.create_account`.
    """
    production.require_machine_clock(wanted.controlled_clock)
    if wanted.mode is Environment.DEVELOPMENT:
        raise SetupError("TONGQUAN_ENVIRONMENT=development 与 --production 矛盾：请去掉它")
    if len({person.username.casefold() for person in people.values()}) < len(OFFICES):
        raise SetupError("三员分立：系统、安全保密、审计管理员须是三个不同的账号")
    require_fresh(directory)
    existed = directory.root.exists()
    production.private(directory.root)
    with directory.held():
        try:
            return _begin(directory, replace(wanted, mode=Environment.PRODUCTION), people)
        except BaseException:
            _clear(directory, remove=not existed)
            raise


def _begin(directory: InstanceDirectory, identity: Identity, people: Mapping[Group, Person]) -> dict[Group, str]:
    chosen = {
        "TONGQUAN_ENVIRONMENT": Environment.PRODUCTION,
        "TONGQUAN_STATE_DIR": str(directory.root),
        "TONGQUAN_CONTROLLED_CLOCK": "false",
        "DATABASE_URL": environment.database_url(directory.root),
    }
    environment.adopt(chosen, embedded=False)
    settings = get_settings()
    database = Database(settings.effective_database_url)
    try:
        _require_no_accounts(database)
        signing.make_key(directory.root)
        keys.make_data_key(settings)
        signing.load_key(settings)
        setup.prepare(settings)
        passwords = {group: password_policy.one_time_password() for group in OFFICES}
        with database.transaction() as session:
            for group, person in people.items():
                registration.create_account(
                    session, person.username, person.name, passwords[group], [group.name], one_time=True
                )
                audit.append(session, ACTOR, "account.create", person.username, {"groups": [group.name]}, machine_now())
            directory.record(identity)
    finally:
        database.dispose()
    return passwords


def require_fresh(directory: InstanceDirectory) -> None:
    """Raise ``SetupError`` unless the directory is empty or not there yet."""
    identity = directory.identity()
    if identity is not None and identity.production:
        raise SetupError(f"{directory.root} 已是正式实例：请直接运行 tongquan up --state-dir {directory.root}")
    if identity is not None:
        raise SetupError(f"{directory.root} 以开发模式建立，不能转为正式：请用 --state-dir 另建一个")
    if directory.root.exists() and any(path.name != ".lock" for path in directory.root.iterdir()):
        raise SetupError(f"{directory.root} 不是空目录：请用 --state-dir 指定一个空的或不存在的目录")


def _require_no_accounts(database: Database) -> None:
    """Refuse a database that already has accounts, people's or demonstration ones."""
    if not inspect(database.engine).has_table("account"):
        return
    with database.reading() as session:
        if session.exec(select(Account.username)).first() is not None:
            raise SetupError("DATABASE_URL 指定的数据库中已有账号：正式实例须从空库开始，请另指一个")


def _clear(directory: InstanceDirectory, *, remove: bool) -> None:
    """Remove what a failed attempt has made; the lock file is held and stays in a folder that was there before."""
    if remove:
        shutil.rmtree(directory.root, ignore_errors=True)
        return
    for path in directory.root.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != ".lock":
            path.unlink(missing_ok=True)
