"""Choose ports: the web's as the user asks, for all others free ones that the state directory remembers."""

import random
import socket
from collections.abc import Iterable, Mapping

from services.errors import SetupError

LOOPBACK = "127.0.0.1"
PREFERRED_WEB_PORT = 8000
CHOICE = range(20_000, 32_000)
"""Below the ephemeral ports of outgoing connections, so that a remembered one is rarely lost to those."""

ENGINE_PORTS = ("gateway", "command", "internal", "rest", "management")
BASE_PORTS = ("web", "feed")
SEARCH_PORTS = range(9201, 9300)
"""The search store takes no others."""


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Tell whether ``port`` can be listened on; connections of a past listener do not count."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def choose_ports(
    names: Iterable[str], remembered: Mapping[str, int], *, web_port: int | None = None, web_host: str = LOOPBACK
) -> dict[str, int]:
    """Return a free port for each name: the remembered one when still free, else another.

    ``web_port`` is the port the user asked for under the name ``web``.

    Raises:
        SetupError: ``web_port`` is taken or may not be used.
    """
    chosen: dict[str, int] = {}
    for name in names:
        if name == "web" and web_port is not None:
            chosen[name] = _demanded(web_port, web_host)
            continue
        host = web_host if name == "web" else LOOPBACK
        first = remembered.get(name, PREFERRED_WEB_PORT if name == "web" else None)
        choice = SEARCH_PORTS if name == "search" else CHOICE
        taken = {*chosen.values()} if web_port is None else {*chosen.values(), web_port}
        chosen[name] = _free(first, host, taken, choice)
    return chosen


def _demanded(port: int, host: str) -> int:
    if not 1 <= port <= 65_535:
        raise SetupError(f"端口 {port} 无效：请用 --port 指定 1 至 65535 之间的端口")
    if not is_free(port, host):
        raise SetupError(f"端口 {port} 已被占用或无权使用：请用 --port 指定另一个端口")
    return port


def _free(first: int | None, host: str, taken: set[int], choice: range) -> int:
    if first is not None and first not in taken and is_free(first, host):
        return first
    for candidate in random.SystemRandom().sample(choice, min(200, len(choice))):
        if candidate not in taken and is_free(candidate, host):
            return candidate
    raise SetupError(f"在 {choice.start} 至 {choice.stop} 之间找不到空闲端口：请关闭不用的程序后重试")
