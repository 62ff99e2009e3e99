"""Who may manage seals: the system administrator, who never uses one (三员分立)."""

from services.accounts.actors import Actor
from services.accounts.system_rights import may_administer
from services.errors import Forbidden


def require_manage_seals(actor: Actor) -> None:
    """Raise ``Forbidden`` unless the account may see, register, suspend and renew seals."""
    if not may_administer(actor):
        raise Forbidden("印章由系统管理员管理", "Only the system administrator manages seals")
