"""Tell a container engine whether one service is well: exit status 0 or 1, with what is missing on standard error.

The web is asked over loopback. Bridge and workers serve no one: they are judged by the heartbeats they leave in the
database, which also shows that they reach it.
"""

import sys
from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import MappingProxyType

import httpx

from models.database import Database
from ops.terminal import complain
from services.health import readiness
from services.heartbeats import FEED, RELAY, WORKER_PREFIX
from settings import Settings, get_settings

TIMEOUT_SECONDS = 5.0


def web(settings: Settings) -> list[str]:
    """Return what is wrong with the web of this container."""
    try:
        with httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
            answer = client.get(f"http://127.0.0.1:{settings.web_port}/healthz")
    except httpx.HTTPError as exc:
        return [f"网站无应答：{type(exc).__name__}"]
    return [] if answer.status_code == HTTPStatus.OK else [f"网站应答 {answer.status_code}"]


def bridge(settings: Settings) -> list[str]:
    """Return what is wrong with the bridge."""
    return _failing(settings, lambda name: name in (FEED, RELAY))


def workers(settings: Settings) -> list[str]:
    """Return which job types nobody works."""
    return _failing(settings, lambda name: name.startswith(WORKER_PREFIX))


SERVICES: Mapping[str, Callable[[Settings], list[str]]] = MappingProxyType(
    {"web": web, "bridge": bridge, "workers": workers}
)


def main(arguments: list[str]) -> int:
    """Check the service named by the only argument, by default the web."""
    name = arguments[0] if arguments else "web"
    if name not in SERVICES:
        complain(f"没有名为 {name} 的服务，可选：{'、'.join(SERVICES)}")
        return 2
    found = SERVICES[name](get_settings())
    for problem in found:
        complain(problem)
    return 1 if found else 0


def _failing(settings: Settings, concerns: Callable[[str], bool]) -> list[str]:
    database = Database(settings.effective_database_url, pool_size=1)
    try:
        checks = readiness(database).checks
    finally:
        database.dispose()
    mine = {name: check for name, check in checks.items() if name == "database" or concerns(name)}
    if "database" in mine and not mine["database"].ok:
        return [mine["database"].reason]
    return [f"{name}：{check.reason}" for name, check in mine.items() if not check.ok]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
