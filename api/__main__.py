"""Serve the web until SIGTERM or SIGINT; requests under way are answered first."""

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


def application() -> FastAPI:
    """Build the application the environment describes; each server process calls it once."""
    configure_logging(COMPONENT)
    settings = get_settings()
    app = create_app(settings, Database(settings.effective_database_url))
    interpreter.tune()
    return app


def options(settings: Settings) -> dict[str, Any]:
    """Return how uvicorn serves, whatever it serves."""
    return {
        "host": settings.web_host,
        "port": settings.web_port,
        "http": "api.connections:BoundedProtocol",
        "ws": "none",
        "forwarded_allow_ips": settings.trusted_proxies,
        "access_log": False,
        "log_config": None,
        "server_header": False,
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
