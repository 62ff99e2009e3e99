"""``tongquan keys``: a data key is changed as a whole, also when that is broken off, and wrapped if that is asked."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlmodel import Session, select

from models.audit import AuditEntry
from models.case import Applicant
from models.database import Database
from ops import data_keys
from ops.instance import Identity, InstanceDirectory
from services import encryption, hsm, key_rotation, keys, setup
from services.errors import SetupError
from services.journal import seals
from settings import Environment, get_settings
from tests.databases import Databases, Kind
from tests.instance import run
from tests.integration.web import web_over

CASES = 3
ENCRYPTED = 2 * CASES + 3
"""Rows: an applicant and a submission a case, the two keys of the instance's authority, the key of the one seal."""
MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so")


@pytest.fixture
def stopped(databases: Databases, tmp_path: Path) -> Iterator[InstanceDirectory]:
    """Yield the directory of a stopped instance with cases in its database, which on SQLite is a file in it."""
    with web_over(databases, tmp_path) as web, pytest.MonkeyPatch.context() as patch:
        setup.prepare(get_settings())
        for _ in range(CASES):
            web.submit()
        directory = InstanceDirectory(tmp_path)
        directory.record(Identity("8.5.8", controlled_clock=False, mode=Environment.DEVELOPMENT))
        directory.close_to_others()
        keys.replace_kept(tmp_path / "keys" / "feed.password", "former")
        for name in (*os.environ,):
            # ``adopt`` writes to the environment past the patch; this takes it back at the end.
            patch.setenv(name, os.environ[name])
        elsewhere = databases.kind is Kind.POSTGRESQL
        for name in ("TONGQUAN_DATA_KEY", "DATABASE_URL", "TONGQUAN_CONTROLLED_CLOCK", "TONGQUAN_ENVIRONMENT"):
            patch.setenv(name, web.database.url)  # So that it is taken back even where it was not set.
            if name != "DATABASE_URL" or not elsewhere:
                patch.delenv(name)
        get_settings.cache_clear()
        web.database.dispose()
        yield directory
        get_settings.cache_clear()


@contextmanager
def looking() -> Iterator[Session]:
    """Yield a session over the instance's database."""
    database = Database(get_settings().effective_database_url)
    try:
        with database.reading() as session:
            yield session
    finally:
        database.dispose()


def kept(directory: InstanceDirectory) -> list[str]:
    """Return the data keys as they are kept."""
    return (directory.root / "keys" / "data.key").read_text().split()


def require_whole() -> None:
    """Check that everything is read, sealed and under the present key."""
    with looking() as session:
        assert len({one.id_number for one in session.exec(select(Applicant))}) == CASES
        assert not key_rotation.outdated(session)
        assert list(seals.verify(session)) == []


def test_a_new_key_takes_the_place_of_the_former_one_and_nothing_needs_that_any_more(
    stopped: InstanceDirectory,
) -> None:
    (former,) = kept(stopped)
    former_id = keys.data_key_id()
    done = data_keys.rotate(stopped)
    (present,) = kept(stopped)
    assert present != former
    assert (done.former, done.encrypted, done.kept) == ((former_id,), ENCRYPTED, True)
    assert keys.data_key_id() == done.present != former_id
    assert keys.find_data_key(former_id) is None
    require_whole()
    assert (stopped.root / "keys" / "feed.password").read_text().strip() != "former"
    if (file := stopped.root / "tongquan.db").exists():
        assert former_id.encode() not in file.read_bytes().replace(b'"' + former_id.encode(), b"")
    assert [path.name for path in (stopped.root / "keys").iterdir() if path.name.startswith(".")] == []
    with looking() as session:
        told = session.exec(select(AuditEntry).where(AuditEntry.action == "keys.rotate")).one()
        assert told.detail == {"present": done.present, "former": [former_id]}


@pytest.mark.parametrize("then", ["rotate again", "start"])
def test_a_change_that_was_broken_off_is_finished(
    stopped: InstanceDirectory, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    monkeypatch.setattr(key_rotation, "BATCH", 1)
    encrypt, some = encryption.CIPHER.encrypt, iter(range(3))

    def dying(_self: object, place: str, text: str) -> str:
        if next(some, None) is None:
            raise KeyboardInterrupt
        return encrypt(place, text)

    with monkeypatch.context() as patch:
        patch.setattr(encryption.ColumnCipher, "encrypt", dying)
        with pytest.raises(KeyboardInterrupt):
            data_keys.rotate(stopped)
    both = kept(stopped)
    assert len(both) == 2
    with looking() as session:
        assert 0 < sum(key_rotation.outdated(session).values()) < ENCRYPTED
        assert len({one.id_number for one in session.exec(select(Applicant))}) == CASES
    if then == "start":
        setup.prepare(get_settings())
        require_whole()
        assert kept(stopped) == both
    data_keys.rotate(stopped)
    assert kept(stopped) == both[:1]
    require_whole()


def test_a_running_instances_key_is_not_changed(stopped: InstanceDirectory) -> None:
    before = kept(stopped)
    with stopped.held(), pytest.raises(SetupError, match="已有实例在运行"):
        data_keys.rotate(stopped)
    assert kept(stopped) == before


def test_a_key_from_the_environment_is_changed_once_both_are_given(
    stopped: InstanceDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    (former,) = kept(stopped)
    monkeypatch.setenv("TONGQUAN_DATA_KEY", former)
    with pytest.raises(SetupError, match="新密钥,现用密钥"):
        data_keys.rotate(stopped)
    monkeypatch.setenv("TONGQUAN_DATA_KEY", f"{keys.new_key()},{former}")
    with stopped.held():
        done = data_keys.rotate(stopped)
    assert (done.encrypted, done.kept) == (ENCRYPTED, False)
    require_whole()


def test_the_keys_are_listed_by_their_names_alone(stopped: InstanceDirectory) -> None:
    secrets = [path.read_text().strip() for path in (stopped.root / "keys").iterdir()]
    told = run("keys", "--state-dir", str(stopped.root))
    assert told.returncode == 0, told.stderr
    assert keys.data_key_id() in told.stdout
    assert str(stopped.root / "keys" / "feed.password") in told.stdout
    assert not [one for one in secrets if one in told.stdout]
    nowhere = run("keys", "rotate", "--state-dir", str(stopped.root / "logs"))
    assert (nowhere.returncode, nowhere.stderr.count("\n")) == (1, 1)
    assert "不是状态目录" in nowhere.stderr


@pytest.fixture
def token(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make a token of SoftHSM, and name it to the settings; return the module's path."""
    module = next((one for one in MODULES if Path(one).exists()), None)
    if module is None:
        pytest.skip("no SoftHSM (softhsm2) is installed")
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(folder / "softhsm2.conf"))
    made = ["softhsm2-util", "--init-token", "--free", "--label", "tongquan", "--pin", "1234", "--so-pin", "5678"]
    subprocess.run(made, check=True, capture_output=True, timeout=60)
    return module


def test_a_hardware_module_wraps_the_key_and_without_it_nothing_is_read(
    stopped: InstanceDirectory, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module reads its configuration once a process: no other test may open one."""
    (plain,) = kept(stopped)
    monkeypatch.setenv("TONGQUAN_PKCS11_MODULE", token)
    monkeypatch.setenv("TONGQUAN_PKCS11_PIN", "1234")
    named = keys.data_key_id()
    assert (data_keys.wrap(stopped), data_keys.wrap(stopped)) == (True, False)
    (wrapped,) = kept(stopped)
    assert hsm.is_wrapped(wrapped)
    assert plain not in wrapped
    assert keys.data_key_id() == named
    require_whole()
    data_keys.rotate(stopped)
    (changed,) = kept(stopped)
    assert hsm.is_wrapped(changed)
    assert keys.data_key_id() != named
    require_whole()
    lacking: list[dict[str, Any]] = [
        {"pkcs11_module": ""},
        {"pkcs11_module": "/nowhere.so"},
        {"pkcs11_token": "none"},
        {"pkcs11_pin": SecretStr("9999")},
        {"pkcs11_key": "none"},
    ]
    for one in lacking:
        keys.forget_data_keys()
        with pytest.raises(SetupError, match="密码设备") as refused:
            keys.load_data_keys(get_settings().model_copy(update=one))
        assert "\n" not in refused.value.message
