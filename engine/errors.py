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


class EngineClockRefused(EngineClockError):
    """What answers at the engine's management port has no clock that can be moved; asking again is of no use."""


class EngineUnreachable(EngineError):
    """The engine cannot be reached, has no leader, or refuses load; nothing is wrong with the command
    itself."""

    code = "engine_unreachable"


class CommandRejected(EngineError):
    """The engine will never take this command; ``message`` carries its reason."""

    code = "command_rejected"


class TaskGone(CommandRejected):
    """The user task is no longer there: completed, cancelled, or never known."""

    code = "task_gone"


class TaskInOtherState(CommandRejected):
    """The user task is there, in a state that does not take the command."""

    code = "task_in_other_state"


class InstanceGone(CommandRejected):
    """The process instance has ended or never was."""

    code = "instance_gone"


class IncidentGone(CommandRejected):
    """The incident, or its job, is resolved already."""

    code = "incident_gone"


class DeploymentRejected(CommandRejected):
    """The engine refuses a resource; ``message`` names it and the reason."""

    code = "deployment_rejected"
