"""A session says how it was opened: by password, as all were until now, or by the unified sign-in."""

import sqlalchemy as sa
from alembic import op


revision = '0016'
down_revision = '0014'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    with op.batch_alter_table('access_token') as batch_op:
        batch_op.add_column(sa.Column('method', sa.String(32), nullable=False, server_default='password'))
    with op.batch_alter_table('access_token') as batch_op:
        batch_op.alter_column('method', server_default=None)


def downgrade() -> None:
    """Take the revision back."""
    with op.batch_alter_table('access_token') as batch_op:
        batch_op.drop_column('method')
