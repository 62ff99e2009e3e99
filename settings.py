"""Settings of one running instance, read once from the environment.

The supervisor (``tongquan up``) chooses ports and folders and hands them to its children through these variables;
a deployment without the supervisor (Compose, Kubernetes) sets them itself. See ``docs/reference/settings.md``.
"""

import re
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_ROOT = Path(__file__).resolve().parent


class Environment(StrEnum):
    """Where the product runs; development alone seeds demonstration accounts and keys."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Settings(BaseSettings):
    """Every setting the product reads; names are ``TONGQUAN_<FIELD>`` unless an alias is given."""

    model_config = SettingsConfigDict(env_prefix="TONGQUAN_", extra="ignore", populate_by_name=True)

    environment: Environment = Environment.DEVELOPMENT
    state_dir: Path = PROJECT_ROOT / ".tongquan"
    database_url: str = Field(default="", validation_alias=AliasChoices("DATABASE_URL", "TONGQUAN_DATABASE_URL"))
    web_host: str = "127.0.0.1"
    web_port: int = 8000
    web_processes: int = 1
    public_url: str = ""
    """The address people open, as the proxy in front serves it; ``https://…`` says that TLS ends there."""
    zeebe_address: str = Field(
        default="127.0.0.1:26500", validation_alias=AliasChoices("ZEEBE_ADDRESS", "TONGQUAN_ZEEBE_ADDRESS")
    )
    zeebe_rest_address: str = Field(
        default="http://127.0.0.1:8080",
        validation_alias=AliasChoices("ZEEBE_REST_ADDRESS", "TONGQUAN_ZEEBE_REST_ADDRESS"),
    )
    zeebe_management_address: str = "http://127.0.0.1:9600"
    feed_bind: str = Field(default="127.0.0.1:9299", validation_alias=AliasChoices("FEED_BIND", "TONGQUAN_FEED_BIND"))
    feed_username: str | None = None
    feed_password: SecretStr | None = None
    feed_lag_seconds: float = Field(default=60, gt=0)
    """How long what the engine has done may wait to arrive here before ``/readyz`` says that the feed lags."""
    controlled_clock: bool = False
    operate_url: str | None = None
    session_hours: float = 12
    signing_key: SecretStr | None = None
    data_key: SecretStr | None = None
    filing_sample_percent: int = Field(default=20, ge=0, le=100)
    """Share of filed county decisions that the city unit reviews in substance (抽查)."""
    webhook_networks: str = ""
    """Private networks (CIDR, separated by commas) that webhooks may be sent to beside public addresses."""

    @property
    def development(self) -> bool:
        """Tell whether demonstration data and a generated signing key are allowed."""
        return self.environment is Environment.DEVELOPMENT

    @property
    def behind_tls(self) -> bool:
        """Tell whether the site is declared to be reached by https."""
        return self.public_url.startswith("https://")

    @property
    def exposed_demonstration(self) -> bool:
        """Tell whether an instance with published passwords can be reached from other machines."""
        return self.development and (bool(self.public_url) or not is_loopback(self.web_host))

    @field_validator("public_url")
    @classmethod
    def _is_an_address(cls, given: str) -> str:
        if given and not re.fullmatch(r"https?://[^/?#\s@]+/?", given):
            raise ValueError("TONGQUAN_PUBLIC_URL 应形如 https://spj.example.gov.cn，不带路径")
        return given

    @property
    def webhook_allowed_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Return ``webhook_networks``, parsed."""
        return tuple(ip_network(one.strip()) for one in self.webhook_networks.split(",") if one.strip())

    @property
    def effective_database_url(self) -> str:
        """Return the configured database, by default an SQLite file in the state directory."""
        return self.database_url or f"sqlite:///{self.state_dir / 'tongquan.db'}"


def is_loopback(host: str) -> bool:
    """Tell whether a listening address is reached from this machine alone; an unknown name is not."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """Read the environment once; tests clear it with ``get_settings.cache_clear()``."""
    return Settings()
