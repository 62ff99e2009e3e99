"""Run every job worker in one process until SIGTERM or SIGINT; running jobs get ten seconds to finish."""

import asyncio
import os
import signal

import uvloop

import models  # noqa: F401 - registers every table
from engine.channel import OAuth, open_channel
from services import interpreter
from services.logs import configure_logging
from settings import get_settings
from workers import runtime
from workers.transaction import database


async def main() -> None:
    """Supervise the workers the settings describe."""
    settings = get_settings()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    interpreter.tune()
    oauth = OAuth.from_environment(os.environ)
    try:
        await runtime.supervise(lambda: open_channel(settings.zeebe_address, oauth), stop)
    finally:
        database().dispose()


if __name__ == "__main__":
    configure_logging("workers")
    uvloop.run(main())
