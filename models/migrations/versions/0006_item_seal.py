"""An item's version may name the seal of its decisions."""

import sqlalchemy as sa
from alembic import op


revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision; no version so far names a seal of its own."""
    with op.batch_alter_table('item_version', schema=None) as batch_op:
        batch_op.add_column(sa.Column('seal', sa.String(64), nullable=False, server_default=''))
    with op.batch_alter_table('item_version', schema=None) as batch_op:
        batch_op.alter_column('seal', server_default=None)


def downgrade() -> None:
    """Take the revision back."""
    op.drop_column('item_version', 'seal')
