"""Ask a running instance's web whether it is ready, and name the one thing that keeps it from being so.

The parts of an instance depend on one another, and one that is missing makes all behind it fail: without a bridge
nothing is known of the engine, without the engine no worker has a heartbeat. The cause is the first failing link.
"""

import threading
import time
from dataclasses import dataclass
from typing import Final, NamedTuple

import httpx

from engine.loopback import loopback_client

POLL_SECONDS: Final = 0.3
FIRST_ANSWER_SECONDS: Final = 5.0
LONGEST_ANSWER_SECONDS: Final = 60.0
WORKER_PREFIX: Final = "worker:"
LABELS: Final = {
    "web": "网站",
    "database": "数据库",
    "catalogue": "事项目录",
    "relay": "引擎桥",
    "engine": "流程引擎",
    "feed": "引擎上报",
    "processes": "流程",
    "workers": "作业处理",
}
"""The chain, in its order; a check this release does not know stands before the workers."""
MOST_NAMES: Final = 3


class Failing(NamedTuple):
    """A check of ``/readyz`` that is not ok, and why."""

    name: str
    detail: str

    def __str__(self) -> str:
        return f"{self.name}：{self.detail}"


@dataclass(frozen=True)
class Readiness:
    """The answer of ``/readyz``: ``failing`` names each check that is not ok, ``warnings`` what else to heed."""

    ready: bool
    failing: tuple[Failing, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def link(self) -> str | None:
        """Return which link of the chain is the first to fail; all workers are one."""
        return min((_link(one) for one in self.failing), key=_position, default=None)

    @property
    def cause(self) -> str:
        """Return in one sentence what is wrong, empty when it is ready."""
        link = self.link
        if link is None:
            return ""
        first, *others = [one for one in self.failing if _link(one) == link]
        label = LABELS.get(link, link)
        if not others:
            return f"{label}：{_shortened(first.detail)}"
        return f"{label}：{first.name.removeprefix(WORKER_PREFIX)} 等 {len(others) + 1} 种未就绪（{first.detail}）"

    @property
    def has_models(self) -> bool:
        """Tell whether the web answers, and every process is in the engine and known here."""
        return self != NO_ANSWER and not any(self.fails(name) for name in ("database", "web", "engine", "processes"))

    def fails(self, name: str) -> bool:
        """Tell whether one check is among those that fail."""
        return any(one.name == name for one in self.failing)


NO_ANSWER: Final = Readiness(False, (Failing("web", "无应答"),))


def ask(url: str, timeout: float = FIRST_ANSWER_SECONDS) -> Readiness:
    """Return the readiness of the instance at ``url``; not answering counts as not ready."""
    try:
        response = loopback_client().get(f"{url}/readyz", timeout=timeout)
        checks = response.json().get("checks", {})
        warnings = tuple(check["reason"] for check in checks.values() if check.get("ok") and check.get("reason"))
        if response.status_code == httpx.codes.OK:
            return Readiness(True, (), warnings)
    except (httpx.HTTPError, ValueError, AttributeError):
        return NO_ANSWER
    found = [Failing(name, check.get("reason") or "未就绪") for name, check in checks.items() if not check.get("ok")]
    return Readiness(False, tuple(found) or (Failing("web", f"HTTP {response.status_code}"),), warnings)


class ReadinessWatch:
    """Go on asking beside the supervisor's loop, since a busy machine takes time to answer; keep the last answer."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stopped = threading.Event()
        self.answer = NO_ANSWER
        threading.Thread(target=self._ask, name="readiness", daemon=True).start()

    def stop(self) -> None:
        """Stop asking."""
        self._stopped.set()

    def _ask(self) -> None:
        timeout = FIRST_ANSWER_SECONDS
        while not self._stopped.is_set():
            begun = time.monotonic()
            self.answer = ask(self._url, timeout)
            if time.monotonic() - begun >= timeout:
                timeout = min(timeout * 2, LONGEST_ANSWER_SECONDS)
            self._stopped.wait(POLL_SECONDS)


def _link(failing: Failing) -> str:
    return "workers" if failing.name.startswith(WORKER_PREFIX) else failing.name


def _position(link: str) -> float:
    order = list(LABELS)
    return order.index(link) if link in order else order.index("workers") - 0.5


def _shortened(detail: str) -> str:
    """Cut a long enumeration to its first names and their number."""
    names = detail.split("、")
    return f"{'、'.join(names[:MOST_NAMES])} 等 {len(names)} 个" if len(names) > MOST_NAMES else detail
