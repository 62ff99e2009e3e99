"""Errors of the engine package: what went wrong with the broker, its distribution or a call to it."""


class EngineError(Exception):
    """The base of every error this package raises on purpose; ``message`` is one sentence for a person."""

    code = "engine_error"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class DistributionError(EngineError):
    """The engine's files cannot be fetched, verified or unpacked."""

    code = "engine_distribution"


class EngineStartError(EngineError):
    """The embedded engine does not start or does not become ready."""

    code = "engine_start"


class EngineClockError(EngineError):
    """The engine's clock cannot be read or moved."""

    code = "engine_clock"
