"""The materials table of a form: fields ``materials.<n>.name|copies|kind|present``, read and prefilled."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from starlette.datastructures import FormData

from catalog_data.guide import Material
from services.cases.submission_input import MaterialInput
from services.errors import FieldProblem

MAX_DIGITS = 9
_INDEXED = re.compile(r"materials\.(\d{1,3})\.name")


@dataclass(frozen=True)
class PickedFile:
    """A file that was picked and has been handed in: its id, and its name for people."""

    id: str
    name: str


@dataclass(frozen=True)
class MaterialRow:
    """One line of the table, as it was typed."""

    name: str
    copies: str
    kind: str
    present: bool
    listed: bool = False
    required: bool = False
    assumed: bool = False
    wanted: str = ""
    files: tuple["PickedFile", ...] = ()


def from_guide(materials: Iterable[Material], labels: dict[str, str]) -> list[MaterialRow]:
    """Return the guide's checklist in the wanted number and kind; the clerk ticks what was handed in."""
    return [
        MaterialRow(
            name=one.name,
            copies=str(one.copies),
            kind=one.kind.value,
            present=False,
            listed=True,
            required=one.required,
            assumed=one.assumed,
            wanted=f"{labels[one.kind.value]} {one.copies} 份",
        )
        for one in materials
    ]


def from_form(form: FormData, listed: Iterable[MaterialRow] = ()) -> list[MaterialRow]:
    """Return the rows as they were sent; a row without a name was left empty and is dropped."""
    known = {row.name: row for row in listed}
    rows = []
    for index in sorted({int(found.group(1)) for key in form if (found := _INDEXED.fullmatch(key))}):
        fields = {part: _text(form.get(f"materials.{index}.{part}")) for part in ("name", "copies", "kind")}
        if not fields["name"]:
            continue
        guide = known.get(fields["name"])
        rows.append(
            MaterialRow(
                **fields,
                present=form.get(f"materials.{index}.present") is not None,
                listed=guide is not None,
                required=guide.required if guide else False,
                assumed=guide.assumed if guide else False,
                wanted=guide.wanted if guide else "",
                files=picked_files(form, f"materials.{index}.files"),
            )
        )
    return rows


def to_inputs(rows: Iterable[MaterialRow]) -> tuple[list[MaterialInput], list[FieldProblem]]:
    """Return the rows as the services take them, and what is wrong with the others."""
    inputs, problems = [], []
    for index, row in enumerate(rows):
        copies = int(row.copies) if row.copies.isdecimal() and len(row.copies) <= MAX_DIGITS else row.copies or 0
        given: dict[str, Any] = {"name": row.name, "copies": copies, "kind": row.kind}
        try:
            inputs.append(MaterialInput(**given, present=row.present, files=[one.id for one in row.files]))
        except ValidationError as error:
            for one in error.errors():
                part = str(one["loc"][0])
                problems.append(FieldProblem(f"materials.{index}.{part}", MESSAGES.get(part, "内容有误")))
    return inputs, problems


def picked_files(form: FormData, field: str) -> tuple[PickedFile, ...]:
    """Return the files of a field: ``id:name`` each, as the page's script put them there."""
    found = []
    for value in form.getlist(field):
        key, _, name = value.partition(":") if isinstance(value, str) else ("", "", "")
        if key:
            found.append(PickedFile(key[:32], name[:200] or key[:32]))
    return tuple(found)


MESSAGES = {
    "name": "材料名称不得超过 200 字",
    "copies": "份数应为 0 至 10000 的整数",
    "kind": "请选择形式",
    "files": "文件过多，请合并后上传",
}


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""
