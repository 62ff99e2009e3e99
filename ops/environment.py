"""The environment of an instance's processes: what the supervisor chose, as the variables ``Settings`` reads."""

import os
from collections.abc import Mapping
from pathlib import Path

from ops.instance import InstanceDirectory
from services.errors import SetupError
from settings import Environment

SQLITE_PREFIX = "sqlite:///"
CLUSTER_PREFIXES = ("ZEEBE_", "CAMUNDA_")
"""Client variables of some other cluster (address, TLS, OAuth); they must not reach the embedded engine's clients."""

OPERATE_ACCOUNT = "demo"
"""User name and password Operate starts with; it listens on loopback only."""


def instance_environment(
    directory: InstanceDirectory,
    ports: Mapping[str, int],
    *,
    mode: Environment,
    web_host: str,
    controlled_clock: bool,
    external: tuple[str, str] | None = None,
    operate_url: str | None = None,
) -> dict[str, str]:
    """Return the variables that describe one instance to its processes; ``external`` is a cluster's gRPC and REST."""
    chosen = {
        "TONGQUAN_ENVIRONMENT": mode,
        "TONGQUAN_STATE_DIR": str(directory.root),
        "TONGQUAN_WEB_HOST": web_host,
        "TONGQUAN_WEB_PORT": str(ports["web"]),
        "TONGQUAN_CONTROLLED_CLOCK": str(controlled_clock).lower(),
        "DATABASE_URL": database_url(directory.root),
        "PYTHONUNBUFFERED": "1",
    }
    if external is not None:
        address, rest_address = external
        chosen |= {
            "ZEEBE_ADDRESS": address,
            "ZEEBE_REST_ADDRESS": rest_address,
            "FEED_BIND": os.environ.get("FEED_BIND", f"127.0.0.1:{ports['feed']}"),
        }
    else:
        chosen |= {
            "ZEEBE_ADDRESS": f"127.0.0.1:{ports['gateway']}",
            "ZEEBE_REST_ADDRESS": f"http://127.0.0.1:{ports['rest']}",
            "TONGQUAN_ZEEBE_MANAGEMENT_ADDRESS": f"http://127.0.0.1:{ports['management']}",
            "FEED_BIND": f"127.0.0.1:{ports['feed']}",
        }
    if operate_url is not None:
        chosen["TONGQUAN_OPERATE_URL"] = operate_url
        # Operate guards the REST API it shares a JVM with; its own demonstration account opens it.
        chosen["ZEEBE_REST_USERNAME"] = chosen["ZEEBE_REST_PASSWORD"] = OPERATE_ACCOUNT
    return chosen


def asked_mode() -> Environment | None:
    """Return the mode ``TONGQUAN_ENVIRONMENT`` asks for, None when it leaves the choice to the state directory.

    Raises:
        SetupError: there is no such mode.
    """
    asked = os.environ.get("TONGQUAN_ENVIRONMENT", "")
    try:
        return Environment(asked) if asked else None
    except ValueError as exc:
        raise SetupError(f"TONGQUAN_ENVIRONMENT={asked} 不是运行模式：可为 development 或 production") from exc


def database_url(state_dir: Path) -> str:
    """Return the configured database, by default SQLite in the state directory; a relative file made absolute."""
    configured = os.environ.get("DATABASE_URL") or os.environ.get("TONGQUAN_DATABASE_URL")
    if not configured:
        return f"{SQLITE_PREFIX}{state_dir / 'tongquan.db'}"
    file = configured.removeprefix(SQLITE_PREFIX)
    if file != configured and not file.startswith(("/", ":memory:")):
        return f"{SQLITE_PREFIX}{Path(file).absolute()}"
    return configured


def child_environment(chosen: Mapping[str, str], *, embedded: bool) -> dict[str, str]:
    """Return a child's whole environment: the caller's and what was chosen."""
    inherited = {key: value for key, value in os.environ.items() if not (embedded and key.startswith(CLUSTER_PREFIXES))}
    return {**inherited, **chosen}


def adopt(chosen: Mapping[str, str], *, embedded: bool) -> None:
    """Make this process see the instance as its children do, and read the settings anew."""
    from settings import get_settings

    whole = child_environment(chosen, embedded=embedded)
    os.environ.clear()
    os.environ.update(whole)
    get_settings.cache_clear()


def adopt_instance(directory: InstanceDirectory) -> None:
    """Make this process see a known instance: the running one's variables, else what its directory tells.

    Of use to commands run beside an instance. Without either, the environment stays as it is.
    """
    record = directory.run()
    if record is not None and record.environment and record.supervisor.find() is not None:
        adopt(record.environment, embedded="TONGQUAN_ZEEBE_MANAGEMENT_ADDRESS" in record.environment)
        return
    identity = directory.identity()
    chosen = {"TONGQUAN_STATE_DIR": str(directory.root), "DATABASE_URL": database_url(directory.root)}
    if identity is not None:
        chosen["TONGQUAN_CONTROLLED_CLOCK"] = str(identity.controlled_clock).lower()
        if identity.mode is not None:
            chosen["TONGQUAN_ENVIRONMENT"] = identity.mode
    adopt(chosen, embedded=False)
