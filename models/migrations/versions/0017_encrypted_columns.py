"""Make room for encrypted ID numbers, phones and digests of submissions; the rows are encrypted at the next start."""

import sqlalchemy as sa
from alembic import op


revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None

COLUMNS = {
    'account': {'phone': 20},
    'applicant': {'id_number': 32, 'phone': 32},
    'submission': {'body_digest': 64},
}
"""The columns and how long their plain values are."""
ENCRYPTED = 255


def upgrade() -> None:
    """Apply the revision."""
    for table, columns in COLUMNS.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for name, plain in columns.items():
                batch_op.alter_column(
                    name, existing_type=sa.String(plain), type_=sa.String(ENCRYPTED), existing_nullable=False
                )


def downgrade() -> None:
    """Take the revision back; refused while anything is encrypted, which the release before could not read."""
    for table, columns in COLUMNS.items():
        for name in columns:
            column = sa.column(name, sa.String)
            found = sa.select(sa.func.count()).select_from(sa.table(table, column)).where(column.like('v1.%'))
            if op.get_bind().scalar(found):
                raise RuntimeError(f'{table}.{name} is encrypted: restore a backup of the release before instead')
    for table, columns in COLUMNS.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for name, plain in columns.items():
                batch_op.alter_column(
                    name, existing_type=sa.String(ENCRYPTED), type_=sa.String(plain), existing_nullable=False
                )
