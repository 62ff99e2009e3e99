"""The account the exporters present: configured, or the instance's own, which lasts and is nobody else's to read."""

from pathlib import Path

from pydantic import SecretStr

from bridge.feed_account import DEFAULT_USERNAME, feed_account, kept_password
from settings import Settings


def test_an_instance_makes_a_password_of_its_own_and_keeps_it(tmp_path: Path) -> None:
    first, other = Settings(state_dir=tmp_path / "one"), Settings(state_dir=tmp_path / "other")
    account = feed_account(first)
    assert account.username == DEFAULT_USERNAME
    assert len(account.password) >= 32
    assert feed_account(first) == account, "a restart presents what the engine presents"
    assert feed_account(other).password != account.password
    assert kept_password(first).stat().st_mode & 0o777 == 0o600
    assert account.password not in repr(account)


def test_a_configured_account_overrules_it_and_nothing_is_kept(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path, feed_username="cluster", feed_password=SecretStr("given"))
    account = feed_account(settings)
    assert (account.username, account.password) == ("cluster", "given")
    assert not kept_password(settings).exists()


def test_an_empty_password_is_none(tmp_path: Path) -> None:
    assert feed_account(Settings(state_dir=tmp_path, feed_password=SecretStr(""))).password != ""
