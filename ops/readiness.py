"""Ask a running instance's web whether it is ready, and what is missing."""

from dataclasses import dataclass

import httpx

from engine.loopback import loopback_client


@dataclass(frozen=True)
class Readiness:
    """The answer of ``/readyz``; ``failing`` names each check that is not ok with its reason, ``warnings`` the rest."""

    ready: bool
    failing: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def ask(url: str, timeout: float = 5.0) -> Readiness:
    """Return the readiness of the instance at ``url``; not answering counts as not ready."""
    try:
        response = loopback_client().get(f"{url}/readyz", timeout=timeout)
        checks = response.json().get("checks", {})
        warnings = tuple(check["reason"] for check in checks.values() if check.get("ok") and check.get("reason"))
        if response.status_code == httpx.codes.OK:
            return Readiness(True, (), warnings)
    except (httpx.HTTPError, ValueError, AttributeError):
        return Readiness(False, ("web：无应答",))
    found = [f"{name}：{check.get('reason') or '未就绪'}" for name, check in checks.items() if not check.get("ok")]
    return Readiness(False, tuple(found) or (f"web：{response.status_code}",), warnings)


def summary(failing: tuple[str, ...], limit: int = 4) -> str:
    """Return the failing checks on one line, the first few of them."""
    more = f" 等 {len(failing)} 项" if len(failing) > limit else ""
    return "；".join(failing[:limit]) + more
