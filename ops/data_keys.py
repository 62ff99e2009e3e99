"""``tongquan keys``: list an instance's keys, replace its data key with a new one, and wrap the data key.

A change runs through three states; after a crash in any of them the next start or ``rotate`` goes on from there: both
keys are kept, the new one first; everything is rewritten in batches; the former key is dropped (ADR 22).
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bridge.feed_account import kept_password, new_password
from models.database import Database
from ops.environment import adopt_instance
from ops.instance import EXTERNAL_ENGINE, Identity, InstanceDirectory
from services import hsm, key_rotation, keys, setup
from services.clock import product_now
from services.documents import signing
from services.errors import SetupError
from services.journal import audit
from settings import Settings, get_settings

ACTOR = "deployment"
"""The actor the audit trail names, since nobody has signed in."""


@dataclass(frozen=True)
class Rotation:
    """What a change of the data key has done; ``kept`` tells whether its file is the state directory's."""

    present: str
    former: tuple[str, ...]
    encrypted: int
    sealed: int
    kept: bool
    feed_password: bool


def describe(directory: InstanceDirectory) -> Iterator[str]:
    """Yield a line for each key the instance has, none of which reveals it.

    Raises:
        SetupError: it is no state directory, or a key cannot be read.
    """
    require_instance(directory)
    adopt_instance(directory)
    settings = get_settings()
    file = keys.kept_data_key(settings.state_dir)
    if not keys.configured_data_keys(settings) and not file.exists():
        yield "数据密钥：尚未生成（首次启动时生成）"
    else:
        present, *former = keys.load_data_keys(settings)
        yield f"数据密钥 {present.id}：现用，{_source(settings)}"
        yield from (f"数据密钥 {one.id}：仅供读取，更换尚未完成，请运行 tongquan keys rotate" for one in former)
    if settings.signing_key is not None or signing.kept_key(settings.state_dir).exists():
        kept = "TONGQUAN_SIGNING_KEY" if settings.signing_key is not None else signing.kept_key(settings.state_dir)
        yield f"签名密钥 {signing.key_id()}：{kept}；签署文书，不更换"
    if settings.feed_password is not None:
        yield "引擎记录口令：TONGQUAN_FEED_PASSWORD"
    elif kept_password(settings).exists():
        yield f"引擎记录口令：{kept_password(settings)}"


def rotate(directory: InstanceDirectory) -> Rotation:
    """Put a new data key in place of the present one, or finish a change that was begun.

    A key kept in the state directory is changed while nothing runs, for running processes would not know the new one.
    One from ``TONGQUAN_DATA_KEY`` is changed beside running processes, once all were given both.

    Raises:
        SetupError: the instance runs, does not exist, has not been brought to this release, or was given no second key.
    """
    identity = require_instance(directory)
    adopt_instance(directory)
    settings = get_settings()
    if keys.configured_data_keys(settings):
        if len(keys.load_data_keys(settings)) == 1:
            raise SetupError(
                "数据密钥由 TONGQUAN_DATA_KEY 给出：请先把它设为“新密钥,现用密钥”并重新启动各进程，再运行本命令"
            )
        with opened(settings) as database:
            return _renewed(database, kept=False, feed_password=False)
    with directory.held(), opened(settings) as database:
        known = [key.secret for key in keys.load_data_keys(settings)]
        if len(known) == 1:
            keys.keep_data_keys(settings, [secrets.token_bytes(keys.KEY_BYTES), *known])
        # An external cluster's exporters present the password too; only its operator can change it at both ends.
        replace = identity.engine != EXTERNAL_ENGINE and kept_password(settings).exists()
        done = _renewed(database, kept=True, feed_password=replace)
        if replace:
            keys.replace_kept(kept_password(settings), new_password())
        keys.keep_data_keys(settings, [keys.data_keys()[0].secret])
        return done


def wrap(directory: InstanceDirectory) -> bool:
    """Wrap the data key kept in the state directory by the configured hardware security module.

    Return whether the module's own key had to be made.

    Raises:
        SetupError: no module is configured or it does not work, the instance runs, or the key is not kept in a file.
    """
    require_instance(directory)
    adopt_instance(directory)
    settings = get_settings()
    if not hsm.is_configured(settings):
        raise SetupError(
            "没有配置密码设备：请设置 TONGQUAN_PKCS11_MODULE、TONGQUAN_PKCS11_TOKEN 和 TONGQUAN_PKCS11_PIN"
        )
    if keys.configured_data_keys(settings):
        raise SetupError("数据密钥由 TONGQUAN_DATA_KEY 给出：请先去掉它，把密钥放在状态目录的 keys/data.key 再封装")
    with directory.held():
        made = hsm.make_wrapping_key(settings)
        keys.keep_data_keys(settings, [key.secret for key in keys.load_data_keys(settings)])
    return made


def _renewed(database: Database, *, kept: bool, feed_password: bool) -> Rotation:
    encrypted = key_rotation.renew(database)
    sealed = key_rotation.reseal(database)
    present, *former = keys.data_keys()
    done = Rotation(present.id, tuple(one.id for one in former), encrypted, sealed, kept, feed_password)
    with database.transaction() as session:
        if left := key_rotation.outdated(session):
            raise SetupError(
                f"仍有 {sum(left.values())} 行未改用新密钥，有进程在用旧密钥写入：请先让各进程都使用新密钥"
            )
        detail = {"present": done.present, "former": list(done.former)}
        audit.append(session, ACTOR, "keys.rotate", done.present, detail, product_now(session))
    return done


@contextmanager
def opened(settings: Settings) -> Iterator[Database]:
    """Yield the instance's database; raise ``SetupError`` for one that is not at this release."""
    database = Database(settings.effective_database_url)
    try:
        with database.reading() as session:
            if not setup.database_is_current(session):
                raise SetupError("数据库结构不是本版本的：请先用 tongquan up 启动一次")
        yield database
    finally:
        database.dispose()


def require_instance(directory: InstanceDirectory) -> Identity:
    """Return what a state directory is of; raise ``SetupError`` for another directory."""
    identity = directory.identity()
    if identity is None:
        raise SetupError(f"{directory.root} 不是状态目录：请用 --state-dir 指明")
    return identity


def _source(settings: Settings) -> str:
    configured = keys.configured_data_keys(settings)
    path = keys.kept_data_key(settings.state_dir)
    text = configured or path.read_text(encoding="ascii")
    place = "TONGQUAN_DATA_KEY" if configured else str(path)
    return f"{place}，由密码设备封装" if hsm.is_wrapped(text) else place
