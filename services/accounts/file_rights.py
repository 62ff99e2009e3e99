"""Who may hand in files, and who may read one that belongs to no case yet."""

from models.stored_file import StoredFile
from services.accounts.actors import Actor
from services.accounts.membership import is_staff
from services.errors import Forbidden


def require_hand_in(actor: Actor) -> None:
    """Raise ``Forbidden`` for an administrator: files belong to cases, on which administrators do not work."""
    if not is_staff(actor):
        raise Forbidden("管理员不办理业务，不能上传文件", "Administrators hand in no files")


def require_handed_in(actor: Actor, file: StoredFile) -> None:
    """Raise ``Forbidden`` unless the actor handed the file in."""
    if file.uploaded_by != actor.username:
        raise Forbidden("该文件不在您的职责范围内", "The file is not yours to read")
