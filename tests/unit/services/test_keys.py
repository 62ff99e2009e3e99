"""The data key: made once and kept closed, required in production, and behind every digest of what can be guessed."""

import base64
import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from services import keys
from services.errors import SetupError
from settings import PROJECT_ROOT, Environment, Settings, get_settings

RIGHT = base64.b64encode(b"k" * keys.KEY_BYTES).decode()


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("TONGQUAN_STATE_DIR", str(tmp_path))
    monkeypatch.delenv("TONGQUAN_DATA_KEY", raising=False)
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def test_development_makes_one_key_that_only_its_owner_reads(tmp_path: Path) -> None:
    assert keys.load_data_keys(get_settings()) == keys.load_data_keys(Settings(state_dir=tmp_path))
    kept = tmp_path / "keys" / "data.key"
    assert (kept.stat().st_mode & 0o777, kept.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_processes_that_start_together_agree_on_one(tmp_path: Path) -> None:
    ask = "from services import keys; print(keys.data_key_id())"
    started = [
        subprocess.Popen([sys.executable, "-c", ask], cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    assert len({process.communicate(timeout=60)[0] for process in started}) == 1
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["data.key"]


def test_production_takes_a_key_given_or_kept_and_makes_none(tmp_path: Path) -> None:
    production: dict[str, Any] = {"environment": Environment.PRODUCTION, "state_dir": tmp_path}
    with pytest.raises(SetupError, match="数据密钥"):
        keys.load_data_keys(Settings(**production))
    for wrong in ("no base64!", base64.b64encode(b"short").decode()):
        with pytest.raises(SetupError, match="格式"):
            keys.load_data_keys(Settings(**production, data_key=SecretStr(wrong)))
    given = keys.load_data_keys(Settings(**production, data_key=SecretStr(RIGHT)))
    assert [key.secret for key in given] == [b"k" * keys.KEY_BYTES]
    assert not (tmp_path / "keys").exists()
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "data.key").write_text(f"{RIGHT}\n")
    assert keys.load_data_keys(Settings(**production)) == given


def test_a_digest_depends_on_content_purpose_and_key(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {keys.keyed_digest("a", b"x"), keys.keyed_digest("a", b"y"), keys.keyed_digest("b", b"x")}
    name = keys.data_key_id()
    assert keys.keyed_digest("a", b"x") in seen
    monkeypatch.setenv("TONGQUAN_DATA_KEY", RIGHT)
    get_settings.cache_clear()
    seen |= {keys.keyed_digest("a", b"x"), hashlib.sha256(b"x").hexdigest()}
    assert len(seen) == 5
    assert keys.data_key_id() != name
