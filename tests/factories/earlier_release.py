"""A state directory as an earlier release left it, made of one of this release's."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command

from models.case import Case
from models.database import Database
from models.encrypted import encrypted_columns
from services import encryption, setup
from services.keys import forget_data_keys
from settings import get_settings

EARLIER = "0007"
"""The revision of the schema that release had."""


def make_it_an_earlier_releases(state_dir: Path) -> None:
    """Turn a stopped instance's directory into one that an earlier release left: its schema, its keys, its rights."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TONGQUAN_STATE_DIR", str(state_dir))
        patch.delenv("TONGQUAN_DATA_KEY", raising=False)
        get_settings.cache_clear()
        database = Database(f"sqlite:///{state_dir / 'tongquan.db'}")
        with database.transaction() as session:
            connection = session.connection()
            for table, places in encrypted_columns(Case.metadata).items():
                columns = [sa.column(name, sa.String) for name in places]
                plain = sa.table(table, *columns)
                for row in connection.execute(sa.select(plain)).all():
                    for column, place, stored in zip(columns, places.values(), row, strict=True):
                        if stored:
                            clear = encryption.CIPHER.decrypt(place, stored)
                            connection.execute(sa.update(plain).where(column == stored).values({column: clear}))
            # That release's chain knew no seals, and no head of it was kept.
            connection.execute(sa.text("DELETE FROM audit_entry"))
        command.downgrade(setup._alembic(database.url), EARLIER)
        database.dispose()
    get_settings.cache_clear()
    forget_data_keys()
    for name in ("data.key", "feed.password"):
        (state_dir / "keys" / name).unlink()
    for path in state_dir.glob("audit-head*"):
        path.unlink()
    for path in (state_dir, *state_dir.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
