"""The files that come with materials."""

from collections.abc import Sequence

from sqlmodel import Session, select

from models.case import Material
from services.accounts.actors import Actor
from services.cases.submission_input import MaterialInput
from services.errors import FieldProblem, InvalidInput
from services.files import binding


def require_usable(session: Session, actor: Actor, materials: Sequence[MaterialInput]) -> None:
    """Refuse files that cannot be bound, and files of a material that was not handed in.

    Raises:
        InvalidInput: with the field of each.
    """
    absent = [place for place, one in enumerate(materials) if one.files and not one.present]
    if absent:
        raise InvalidInput([FieldProblem(f"materials.{place}.files", "未提交的材料不能附文件") for place in absent])
    binding.require_usable(
        session, actor, {f"materials.{place}.files": one.files for place, one in enumerate(materials) if one.files}
    )


def bind(session: Session, case_no: str, materials: Sequence[MaterialInput], supply_round: int) -> None:
    """Give the files to the materials of one round, whose rows are written."""
    if not any(one.files for one in materials):
        return
    query = select(Material.position, Material.id).where(Material.case_no == case_no, Material.round == supply_round)
    keys = dict(session.exec(query).all())
    for place, one in enumerate(materials):
        binding.bind(session, one.files, case_no, material_id=keys[place])
