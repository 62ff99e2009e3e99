"""Settings of one running instance, read once from the environment.

The supervisor (``tongquan up``) chooses ports and folders and hands them to its children through these variables;
a deployment without the supervisor (Compose, Kubernetes) sets them itself. Those that bound what
comes in are listed in ``docs/reference/limits.md``.
"""

import re
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from limits import parse_many
from pydantic import AliasChoices, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_ROOT = Path(__file__).resolve().parent
PRODUCTION_IDLE = timedelta(minutes=30)


class Environment(StrEnum):
    """Where the product runs; development alone seeds demonstration accounts and keys."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class PasswordPolicy(StrEnum):
    """What is asked of passwords: length alone (OWASP ASVS 5), or kinds of characters and an age too (等保三级)."""

    ASVS = "asvs"
    MLPS = "mlps"


class PasswordSignIn(StrEnum):
    """Who may sign in with a password: everybody, or the three administrators (三员) alone, the others by OIDC."""

    EVERYBODY = "everybody"
    ADMINISTRATORS = "administrators"


class SealRegistration(StrEnum):
    """Whether a seal no administrator has registered is made at its first use, or refused."""

    AUTOMATIC = "automatic"
    REGISTERED = "registered"


class SealKeys(StrEnum):
    """Where the keys of seals made here are: encrypted in the database, or in the hardware security module."""

    DATABASE = "database"
    MODULE = "module"


class Settings(BaseSettings):
    """Every setting the product reads; names are ``TONGQUAN_<FIELD>`` unless an alias is given."""

    model_config = SettingsConfigDict(env_prefix="TONGQUAN_", extra="ignore", populate_by_name=True)

    environment: Environment = Environment.DEVELOPMENT
    state_dir: Path = PROJECT_ROOT / ".tongquan"
    database_url: str = Field(default="", validation_alias=AliasChoices("DATABASE_URL", "TONGQUAN_DATABASE_URL"))
    web_host: str = "127.0.0.1"
    web_port: int = 8000
    web_processes: int = Field(default=1, ge=1)
    worker_processes: int = Field(default=1, ge=1)
    """Processes of all job types that ``tongquan up`` keeps running; the engine shares the jobs out."""
    bridge_processes: int = Field(default=1, ge=1)
    """Bridges that ``tongquan up`` keeps running, on PostgreSQL alone; one of them takes the exporters' requests."""
    public_url: str = ""
    """The address people open, as the proxy in front serves it; ``https://…`` says that TLS is terminated there."""
    web_connections: int = Field(default=800, ge=1)
    """Open connections of one web process; with more, the one that has waited longest with half a head is closed."""
    web_connections_per_address: int = Field(default=250, ge=1)
    """The same for one peer's address; a trusted proxy's connections are not limited by it."""
    trusted_proxies: str = Field(
        default="", validation_alias=AliasChoices("FORWARDED_ALLOW_IPS", "TONGQUAN_TRUSTED_PROXIES")
    )
    """Addresses and networks (separated by commas) of proxies whose ``X-Forwarded-For`` and ``-Proto`` are believed."""
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
    """How long a session lasts at most, used or not."""
    session_idle_minutes: float | None = Field(default=None, gt=0)
    """After how long without use a session ends; unset: 30 in production, never in development."""
    password_policy: PasswordPolicy = PasswordPolicy.ASVS
    sign_in_threads: int = Field(default=2, ge=1)
    """Passwords checked at a time in one web process; each takes 64 MiB."""
    sign_in_room: int = Field(default=32, ge=1)
    """Sign-ins that may wait or be worked on in one web process; one address takes up half of it at most."""
    sign_in_account_limit: str = "5/minute;10/10 minutes"
    """Failures for one account from addresses it does not know, and as many from each one it knows."""
    sign_in_address_limit: str = "10/minute;60/hour"
    """Failures from one address, whatever the account."""
    password_sign_in: PasswordSignIn = PasswordSignIn.EVERYBODY
    oidc_issuer: str = ""
    """The address of the unified sign-in (统一身份认证), as the provider spells it; empty: there is none."""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr | None = None
    oidc_scope: str = "openid profile"
    oidc_account_claim: str = "preferred_username"
    """The claim that holds the user name here, in the ID token or else in the provider's UserInfo."""
    spraying_accounts: int = Field(default=5, ge=2)
    """How many names must fail from one address within an hour to be reported to the security administrator."""
    public_address_limit: str = "10/minute;60/hour"
    """Wrong query codes, certificate numbers and files that are not ours from one address."""
    public_case_limit: str = "20/minute;100/hour"
    """Wrong query codes for one case, from all addresses together."""
    file_max_mb: int = Field(default=50, ge=1, le=1024)
    """The largest file that may be handed in, in megabytes (MiB)."""
    scanner_address: str = ""
    """ClamAV's daemon, ``host:port`` or a socket's path, which every file passes before it is kept; empty: none."""
    metrics_token: SecretStr | None = None
    """The bearer token that opens ``/metrics`` and the detail of ``/readyz`` from elsewhere than the machine itself."""
    signing_key: SecretStr | None = None
    data_key: SecretStr | None = None
    pkcs11_module: str = ""
    """The library of a hardware security module that wraps the data key, such as ``libsofthsm2.so``."""
    pkcs11_token: str = "tongquan"  # noqa: S105  # A label, no secret.
    pkcs11_pin: SecretStr | None = None
    pkcs11_key: str = "tongquan-data"
    seals: SealRegistration = SealRegistration.AUTOMATIC
    seal_keys: SealKeys = SealKeys.DATABASE
    timestamp_url: str = ""
    """A timestamp authority (RFC 3161) by its http(s) address; empty: the instance's own."""
    filing_sample_percent: int = Field(default=20, ge=0, le=100)
    """Share of filed county decisions that the city unit reviews in substance (抽查)."""
    city_library_url: str = ""
    """The base address of the city's library of certificates (市电子证照库); empty: in development a stand-in."""
    city_library_token: SecretStr | None = None
    """The bearer token that opens the city library."""
    webhook_networks: str = ""
    """Private networks (CIDR, separated by commas) that webhooks may be sent to beside public addresses."""

    @field_validator("sign_in_account_limit", "sign_in_address_limit", "public_address_limit", "public_case_limit")
    @classmethod
    def _readable_limit(cls, rules: str) -> str:
        parse_many(rules)
        return rules

    @property
    def development(self) -> bool:
        """Tell whether demonstration data and a generated signing key are allowed."""
        return self.environment is Environment.DEVELOPMENT

    @property
    def file_max_bytes(self) -> int:
        """Return the largest file that may be handed in."""
        return self.file_max_mb * 1024 * 1024

    @property
    def files_dir(self) -> Path:
        """Return the folder of uploaded files."""
        return self.state_dir / "files"

    @property
    def session_length(self) -> timedelta:
        """Return how long a session lasts at most."""
        return timedelta(hours=self.session_hours)

    @property
    def session_idle(self) -> timedelta:
        """Return after how long without use a session ends, at the latest with its whole length."""
        if self.session_idle_minutes is not None:
            return min(timedelta(minutes=self.session_idle_minutes), self.session_length)
        return self.session_length if self.development else min(PRODUCTION_IDLE, self.session_length)

    @property
    def unified_sign_in(self) -> bool:
        """Tell whether people may sign in by OIDC."""
        return bool(self.oidc_issuer)

    @property
    def behind_tls(self) -> bool:
        """Tell whether the site is declared to be reached by https."""
        return self.public_url.startswith("https://")

    @property
    def exposed_demonstration(self) -> bool:
        """Tell whether an instance with published passwords can be reached from other machines."""
        return self.development and (bool(self.public_url) or not is_loopback(self.web_host))

    @field_validator("timestamp_url")
    @classmethod
    def _is_http(cls, given: str) -> str:
        if given and (urlsplit(given).scheme not in ("http", "https") or not urlsplit(given).hostname):
            raise ValueError("TONGQUAN_TIMESTAMP_URL 应形如 http://tsa.example.gov.cn/tsr")
        return given

    @field_validator("public_url")
    @classmethod
    def _is_an_address(cls, given: str) -> str:
        if given and not re.fullmatch(r"https?://[^/?#\s@]+/?", given):
            raise ValueError("TONGQUAN_PUBLIC_URL 应形如 https://spj.example.gov.cn，不带路径")
        return given

    @model_validator(mode="after")
    def _has_a_module_for_seals(self) -> Self:
        if self.seal_keys is SealKeys.MODULE and not self.pkcs11_module:
            raise ValueError("TONGQUAN_SEAL_KEYS=module 需要同时设置 TONGQUAN_PKCS11_MODULE")
        return self

    @model_validator(mode="after")
    def _can_be_signed_in_to(self) -> Self:
        if self.password_sign_in is PasswordSignIn.ADMINISTRATORS and not self.unified_sign_in:
            raise ValueError("TONGQUAN_PASSWORD_SIGN_IN=administrators 需要同时设置 TONGQUAN_OIDC_ISSUER")
        if not self.unified_sign_in:
            return self
        issuer = urlsplit(self.oidc_issuer)
        plain = issuer.scheme == "http" and is_loopback(issuer.hostname or "")
        if not issuer.hostname or issuer.query or issuer.fragment or not (issuer.scheme == "https" or plain):
            raise ValueError("TONGQUAN_OIDC_ISSUER 应形如 https://sso.example.gov.cn/realms/spj（仅本机可用 http）")
        if not self.oidc_client_id:
            raise ValueError("设置了 TONGQUAN_OIDC_ISSUER，还需要 TONGQUAN_OIDC_CLIENT_ID")
        if "openid" not in self.oidc_scope.split():
            raise ValueError("TONGQUAN_OIDC_SCOPE 须包含 openid")
        return self

    @field_validator("city_library_url")
    @classmethod
    def _is_a_base_address(cls, given: str) -> str:
        if given and not re.fullmatch(r"https?://[^/?#\s@]+(/[^?#\s]*)?", given):
            raise ValueError("TONGQUAN_CITY_LIBRARY_URL 应形如 https://dzzz.example.gov.cn/api")
        return given.rstrip("/")

    @property
    def webhook_allowed_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Return ``webhook_networks``, parsed."""
        return tuple(ip_network(one.strip()) for one in self.webhook_networks.split(",") if one.strip())

    def trusts_proxy(self, address: str) -> bool:
        """Tell whether a peer is one of ``trusted_proxies``."""
        named = [one.strip() for one in self.trusted_proxies.split(",") if one.strip()]
        if "*" in named or address in named:
            return True
        try:
            peer = ip_address(address)
            return any(peer in ip_network(one) for one in named)
        except ValueError:
            return False

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
