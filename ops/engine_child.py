"""The embedded engine as a supervised child: each start, also after a crash, ends with the clock aligned."""

import subprocess
import threading

from sqlalchemy.exc import SQLAlchemyError

from engine.embedded import EngineConfig, EngineProcess, engine_command, engine_environment, prepare_start
from engine.errors import EngineClockError, EngineError
from ops.supervision import ChildSpec

STOP_SECONDS = 20.0


class EngineChild:
    """The engine's start, and whether it is ready to take commands.

    Readiness is awaited beside the supervisor's loop, in a thread of its own, since a start takes seconds and the
    other children need looking after meanwhile. An engine that is merely slow is waited for; one that is stalled,
    or whose clock cannot be set, is killed so that it is started again.
    """

    def __init__(self, config: EngineConfig) -> None:
        self.config = config
        self._ready_process: subprocess.Popen[bytes] | None = None
        self.last_error: str | None = None

    @property
    def ready(self) -> bool:
        """Tell whether the engine that runs now has been brought to the product's time and processes."""
        process = self._ready_process
        return process is not None and process.poll() is None

    def spec(self) -> ChildSpec:
        """Return how the supervisor starts it."""
        return ChildSpec(
            name="engine",
            label="流程引擎",
            command=engine_command(self.config),
            env=engine_environment(self.config),
            cwd=self.config.log_dir,
            log_path=self.config.output_path,
            stop_seconds=STOP_SECONDS,
            before_start=lambda: prepare_start(self.config),
            after_start=self._begin_settling,
        )

    def _begin_settling(self, process: "subprocess.Popen[bytes]") -> None:
        threading.Thread(target=self._settle, args=(process,), name="engine-start", daemon=True).start()

    def _settle(self, process: "subprocess.Popen[bytes]") -> None:
        try:
            EngineProcess(self.config, process).settle(_stored_offset_ms)
        except Exception as exc:  # Whatever it is, nobody else will start this engine again.
            self.last_error = exc.message if isinstance(exc, EngineError) else str(exc)
            process.kill()
            return
        self.last_error = None
        self._ready_process = process


def _stored_offset_ms() -> int:
    """Return the product clock's lead over the machine's, as the database has it now.

    Raises:
        EngineClockError: the database is busy or cannot be reached at the moment.
    """
    from models.database import Database
    from services.clock import stored_offset_ms
    from settings import get_settings

    database = Database(get_settings().effective_database_url)
    try:
        with database.reading() as session:
            return stored_offset_ms(session)
    except SQLAlchemyError as exc:
        raise EngineClockError("读不到产品时钟：数据库暂时不可用") from exc
    finally:
        database.dispose()
