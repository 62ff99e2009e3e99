"""Who may ask the city for guidance (业务指导), give it, and read what was asked."""

from sqlalchemy import ColumnElement

from models.consultation import Question
from models.group import Role
from services.accounts import membership
from services.accounts.actors import Actor
from services.errors import Forbidden


def may_ask(actor: Actor) -> bool:
    """Tell whether the account may ask a city unit's advisor: staff of a county."""
    return bool(membership.areas_of(actor))


def advises(actor: Actor, unit: str) -> bool:
    """Tell whether the account is a city unit's advisor (业务指导员)."""
    return membership.acts_in_unit(actor, unit, Role.ADVISOR)


def may_announce_training(actor: Actor, unit: str) -> bool:
    """Tell whether the account announces trainings for a city unit: its advisor, or the coordinator."""
    return advises(actor, unit) or membership.is_coordinator(actor)


def visible_questions(actor: Actor) -> ColumnElement[bool]:
    """Return the condition on ``Question`` for what the account may read: its county's, its unit's, the coordinator
    all.
    """
    return membership.concerning(actor, Question.area, Question.unit)


def get_asking_area(actor: Actor) -> str:
    """Return the area the account asks for, the first by its code; raise ``Forbidden`` unless it may ask."""
    if not may_ask(actor):
        raise Forbidden("只有县（市、区）工作人员可以咨询", "Only county staff may ask")
    return min(membership.areas_of(actor))


def require_answer(actor: Actor, unit: str) -> None:
    """Raise ``Forbidden`` unless the account answers questions for the unit."""
    if not advises(actor, unit):
        raise Forbidden("只有该市级单位的业务指导员可以答复", "Only the unit's advisor may answer")


def require_publish_precedent(actor: Actor, unit: str) -> None:
    """Raise ``Forbidden`` unless the account adds model cases (典型案例) for the unit."""
    if not advises(actor, unit):
        raise Forbidden("只有该市级单位的业务指导员可以发布", "Only the unit's advisor may publish")


def require_announce_training(actor: Actor, unit: str) -> None:
    """Raise ``Forbidden`` unless the account announces trainings for the unit."""
    if not may_announce_training(actor, unit):
        raise Forbidden("只有业务指导员或统筹单位可以发布培训", "Only an advisor or the coordinator may announce")


def require_attend(actor: Actor) -> None:
    """Raise ``Forbidden`` unless the account may attend trainings: staff of the city and its counties."""
    if not membership.is_staff(actor):
        raise Forbidden
