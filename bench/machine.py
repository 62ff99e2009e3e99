"""What the figures were measured on: cores, memory, versions, and how busy the machine was with other things."""

import os
import platform
import sqlite3
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

import psutil

QUIET_LOAD = 1.0
"""The one-minute load average per core below which a machine counts as quiet, before the benchmark's own load."""
PACKAGES = ("pyzeebe", "grpcio", "sqlalchemy", "sqlmodel", "fastapi", "uvicorn", "reportlab", "SpiffWorkflow")


def facts() -> dict[str, str]:
    """Return the machine and the versions, by label."""
    memory = psutil.virtual_memory()
    return {
        "cores": str(psutil.cpu_count() or 0),
        "processor": _processor(),
        "memory": f"{memory.total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "packages": ", ".join(f"{name} {_version(name)}" for name in PACKAGES),
    }


def load() -> float:
    """Return the one-minute load average."""
    return os.getloadavg()[0]


def wait_until_quiet(seconds: float, tell: Callable[[str], None]) -> bool:
    """Wait up to ``seconds`` for a quiet machine; return whether it became so."""
    deadline = time.monotonic() + seconds
    limit = QUIET_LOAD * (psutil.cpu_count() or 1)
    while load() > limit:
        if time.monotonic() > deadline:
            return False
        tell(f"load {load():.1f}: waiting for the machine to be quiet")
        time.sleep(min(30.0, max(1.0, deadline - time.monotonic())))
    return True


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
