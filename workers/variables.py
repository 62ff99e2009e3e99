"""A job's variables by name and type; the error names a wrong one, for the incident that an administrator reads."""

from typing import Any

from pyzeebe import Job


def text(job: Job, name: str) -> str:
    """Return a text variable; raise ``ValueError`` when it is missing or of another type."""
    value = job.variables.get(name)
    if not isinstance(value, str):
        raise ValueError(f"variable {name} of {job.type} is no text")
    return value


def context_if_any(job: Job, name: str) -> dict[str, Any] | None:
    """Return a context variable, or None where the process has none."""
    return context(job, name) if job.variables.get(name) is not None else None


def context(job: Job, name: str) -> dict[str, Any]:
    """Return a context variable such as a decision's result; raise ``ValueError`` when it is missing."""
    value = job.variables.get(name)
    if not isinstance(value, dict):
        raise ValueError(f"variable {name} of {job.type} is no context: did its decision match?")
    return value


def number(job: Job, name: str) -> int:
    """Return the number in a reference such as ``push-12``; raise ``ValueError`` for anything else."""
    _, _, digits = text(job, name).rpartition("-")
    if not (digits.isascii() and digits.isdecimal()):
        raise ValueError(f"variable {name} of {job.type} is no reference")
    return int(digits)
