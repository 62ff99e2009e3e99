"""What a production instance refuses to start with, and what a reachable development instance says of itself.

The keys and the demonstration accounts are looked at where they are used: see ``services.documents.signing`` and
``services.setup``. Here is what a start depends on besides: who can read the state directory, the clock, the address.
"""

from collections.abc import Iterator
from pathlib import Path

from ops.instance import OTHERS, Identity, InstanceDirectory
from services.errors import SetupError
from settings import Settings, is_loopback


def require_begun(directory: InstanceDirectory) -> None:
    """Raise ``SetupError`` unless the directory has been initialized: a production instance is made on purpose."""
    if directory.identity() is None:
        raise SetupError(
            f"{directory.root} 中还没有正式实例：请先运行 tongquan init --production 并以 --state-dir 指明该目录"
        )


def require_closed(directory: InstanceDirectory) -> None:
    """Raise ``SetupError`` when the state directory or a key in it is open to the group or to others."""
    keys = directory.root / "keys"
    for path in (directory.root, keys, *(sorted(keys.iterdir()) if keys.is_dir() else ())):
        if path.exists() and path.stat().st_mode & OTHERS:
            raise SetupError(f"{path} 对本机其他用户开放：请运行 chmod -R go= {directory.root}")


def require_machine_clock(controlled: bool) -> None:
    """Raise ``SetupError`` for a controlled clock: whoever moves it makes deadlines pass and silence consent."""
    if controlled:
        raise SetupError("正式实例只能使用机器时钟：请去掉 --controlled-clock")


def require_tls(settings: Settings) -> None:
    """Raise ``SetupError`` for a site that other machines reach by plain http, passwords and ID numbers in the clear.

    The product does not terminate TLS. Beyond loopback it serves only when ``TONGQUAN_PUBLIC_URL`` says who does.
    """
    if not is_loopback(settings.web_host) and not settings.behind_tls:
        raise SetupError(
            f"正式实例不能在 {settings.web_host} 上以明文 http 对外服务：请只在 127.0.0.1 监听，"
            "或在前面架设 TLS 反向代理并把对外地址 https://… 设为 TONGQUAN_PUBLIC_URL"
        )


def warnings(settings: Settings) -> Iterator[str]:
    """Yield what somebody should look at before people work with a production instance."""
    if not settings.behind_tls:
        yield "未设 TONGQUAN_PUBLIC_URL=https://…：请在前面架设 TLS 反向代理，不要让人以明文 http 登录"
    if settings.effective_database_url.startswith("sqlite"):
        yield "数据库是 SQLite，只适合一台机器上的少量用户：多人办件请用 DATABASE_URL 指定 PostgreSQL"


def mode_words(identity: Identity) -> str:
    """Return what a directory's mode is called."""
    return {True: "正式", False: "开发"}[identity.production] if identity.mode is not None else "未定"


def exposure_words(settings: Settings) -> str:
    """Return the warning of a development instance that other machines reach, empty where none is due."""
    if not settings.exposed_demonstration:
        return ""
    where = settings.public_url or settings.web_host
    return f"演示环境对外开放（{where}）：账号与口令是公开的，任何人都能以管理员身份登录；不得录入真实办件"


def exposure_banner(settings: Settings) -> list[str]:
    """Return the same in lines that nobody overlooks in a terminal."""
    told = exposure_words(settings)
    rule = "!" * 72
    way_out = "正式使用请另建实例：tongquan init --production"
    return ["", rule, f"!! {told}", f"!! {way_out}", rule, ""] if told else []


def private(path: Path) -> Path:
    """Make a folder for its owner alone, or close one that is there; return it."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    return path
