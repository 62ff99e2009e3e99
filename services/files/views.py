"""A file as the contract shows it."""

from pydantic import BaseModel

from models.stored_file import StoredFile


class FileView(BaseModel):
    """A file that was handed in; ``media_type`` is determined from its content."""

    id: str
    name: str
    media_type: str
    size: int
    sha256: str


def view(file: StoredFile) -> FileView:
    """Return a file as the contract shows it."""
    return FileView(id=file.id, name=file.name, media_type=file.media_type, size=file.size, sha256=file.sha256)
