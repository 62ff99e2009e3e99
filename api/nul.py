"""Refuse a NUL in what is sent: PostgreSQL's texts cannot hold one, and nobody means one."""

from fastapi import Request
from starlette.datastructures import FormData

from services.errors import FieldProblem, InvalidInput, NotFound

NUL = "\0"
UNREADABLE = "含有无法识别的字符"


def refuse_in_address(request: Request) -> None:
    """Raise ``NotFound`` for a NUL in an address's path, ``InvalidInput`` for one in its query."""
    if any(NUL in str(value) for value in request.path_params.values()):
        raise NotFound
    _refuse([name for name, value in request.query_params.multi_items() if NUL in f"{name}{value}"])


def refuse_in_form(form: FormData) -> None:
    """Raise ``InvalidInput`` for a NUL in a posted form; a file is left to its reader."""
    _refuse([name for name, value in form.multi_items() if NUL in name or (isinstance(value, str) and NUL in value)])


def _refuse(names: list[str]) -> None:
    if names:
        raise InvalidInput([FieldProblem(name.replace(NUL, ""), UNREADABLE) for name in names])
