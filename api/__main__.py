"""Serve the web until SIGTERM or SIGINT; requests under way are answered first."""

import ctypes
import multiprocessing
import os
import signal
import sys
from typing import Any, Final

import uvicorn
from fastapi import FastAPI

from api.application import create_app
from models.database import Database
from services import interpreter
from services.logs import configure_logging
from settings import Settings, get_settings

COMPONENT: Final = "web"
GRACE_SECONDS: Final = 10
ANSWER_SECONDS: Final = 60
"""How long one of several processes may keep its parent waiting for a sign of life: long enough on a busy machine."""
PR_SET_PDEATHSIG: Final = 1


def application() -> FastAPI:
    """Build the application the environment describes; each server process calls it once."""
    configure_logging(COMPONENT)
    settings = get_settings()
    if settings.web_processes > 1:
        end_with_parent()
    app = create_app(settings, Database(settings.effective_database_url))
    interpreter.tune()
    return app


def end_with_parent() -> None:
    """Have the kernel end this process when its parent is gone; otherwise it would keep the port."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        parent = multiprocessing.parent_process()
        if parent is not None and os.getppid() != parent.pid:
            sys.exit(1)


def options(settings: Settings) -> dict[str, Any]:
    """Return uvicorn's options, whatever application it serves."""
    return {
        "host": settings.web_host,
        "port": settings.web_port,
        "http": "api.connections:BoundedProtocol",
        "ws": "none",
        "forwarded_allow_ips": settings.trusted_proxies,
        "access_log": False,
        "log_config": None,
        "server_header": False,
        "timeout_worker_healthcheck": ANSWER_SECONDS,
        "timeout_graceful_shutdown": GRACE_SECONDS,
    }


def main() -> None:
    """Serve with the settings of the environment."""
    configure_logging(COMPONENT)
    settings = get_settings()
    uvicorn.run(
        "api.__main__:application",
        factory=True,
        workers=settings.web_processes if settings.web_processes > 1 else None,
        **options(settings),
    )


if __name__ == "__main__":
    main()
