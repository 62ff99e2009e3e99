"""Who may act in supervision (审管衔接): on pushes and their feedback, and on policy notices."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, or_, true
from sqlmodel import col

from models.group import Group, Role, Scope, parse_groups
from models.supervision import SupervisionPush
from services.accounts.actors import Actor
from services.accounts.membership import is_coordinator
from services.errors import Forbidden


def supervises(actor: Actor, recipient: str) -> bool:
    """Tell whether the account is a member of the supervisor's group a push is addressed to."""
    return actor.acts_for((recipient,))


def answers_feedback(actor: Actor, approver_group: str) -> bool:
    """Tell whether the account reads and answers feedback on what ``approver_group`` has decided."""
    return actor.acts_for((approver_group,))


def may_read_push(actor: Actor, recipient: str, approver_group: str) -> bool:
    """Tell whether the account may see a push: who supervises, who decided, and the coordinator."""
    return is_coordinator(actor) or actor.acts_for((recipient, approver_group))


def visible_pushes(actor: Actor) -> ColumnElement[bool]:
    """Return the condition on ``SupervisionPush`` equivalent to ``may_read_push``."""
    if is_coordinator(actor):
        return true()
    groups = sorted(actor.groups)
    return or_(col(SupervisionPush.recipient).in_(groups), col(SupervisionPush.approver_group).in_(groups))


def is_supervisors_group(name: str) -> bool:
    """Tell whether ``name`` is a supervisor's group, for which a platform may act."""
    return any(group.role is Role.SUPERVISOR for group in parse_groups((name,)))


def issuing_group(actor: Actor) -> Group | None:
    """Return the supervisor's group the account gives notice of policy for, the city's first; None without one."""
    groups = [group for group in parse_groups(actor.groups) if group.role is Role.SUPERVISOR]
    return min(groups, key=lambda group: (group.scope is not Scope.CITY, group.name)) if groups else None


def may_issue_notice(actor: Actor) -> bool:
    """Tell whether the account may give notice of policy (政策文件告知)."""
    return issuing_group(actor) is not None


def may_acknowledge(actor: Actor, recipients: Iterable[str]) -> bool:
    """Tell whether the account reads a policy notice for one of its recipients (签阅)."""
    return actor.acts_for(recipients)


def get_issuing_group(actor: Actor) -> Group:
    """Return what ``issuing_group`` returns; raise ``Forbidden`` where it finds none."""
    group = issuing_group(actor)
    if group is None:
        raise Forbidden("只有监管单位可以发出政策文件告知", "Only a supervisor may give notice of policy")
    return group


def require_acknowledge(actor: Actor, recipients: Iterable[str]) -> None:
    """Raise ``Forbidden`` unless the account reads the notice for one of its recipients."""
    if not may_acknowledge(actor, recipients):
        raise Forbidden("该告知不是发给您的单位的", "The notice is not addressed to you")


def require_read_push(actor: Actor, recipient: str, approver_group: str) -> None:
    """Raise ``Forbidden`` unless the account may see the push."""
    if not may_read_push(actor, recipient, approver_group):
        raise Forbidden("该推送不属于您的职责范围", "The push is not yours to read")


def require_supervise(actor: Actor, recipient: str, decided_by: str | None) -> None:
    """Refuse everybody but the recipient's members, and of these whoever decided the case."""
    if not supervises(actor, recipient):
        raise Forbidden("该推送不属于您的监管单位", "The push is not addressed to you")
    if decided_by == actor.username:
        raise Forbidden("作出决定的人不能同时监管本件", "Whoever decided the case may not supervise it")


def require_answer_feedback(actor: Actor, approver_group: str) -> None:
    """Raise ``Forbidden`` unless the account answers feedback for ``approver_group``."""
    if not answers_feedback(actor, approver_group):
        raise Forbidden("只有本件的审批单位可以阅处监管反馈", "Only the approver of the case may answer")


def get_platform(acts_for: str | None, recipient: str) -> str:
    """Return the group a supervisor's platform acts for; raise ``Forbidden`` unless a push is addressed to it."""
    if acts_for is None or acts_for != recipient:
        raise Forbidden("该平台不能办理这条推送", "The platform does not act for the push's recipient")
    return acts_for
