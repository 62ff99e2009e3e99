"""The account the engine's exporters present to the bridge: configured, or made for this instance and kept."""

import secrets
from pathlib import Path

from engine.exporters import FeedAccount
from services import keys
from settings import Settings

DEFAULT_USERNAME = "tongquan-feed"
PASSWORD_BYTES = 32


def feed_account(settings: Settings) -> FeedAccount:
    """Return the account; where no password is configured, the instance's own, made at its first start."""
    configured = settings.feed_password.get_secret_value() if settings.feed_password is not None else ""
    password = configured or keys.kept(kept_password(settings), new_password)
    return FeedAccount(settings.feed_username or DEFAULT_USERNAME, password)


def new_password() -> str:
    """Return a new random password."""
    return secrets.token_urlsafe(PASSWORD_BYTES)


def kept_password(settings: Settings) -> Path:
    """Return where the instance keeps a password of its own."""
    return settings.state_dir / "keys" / "feed.password"
