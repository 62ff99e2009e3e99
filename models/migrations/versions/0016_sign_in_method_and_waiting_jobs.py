"""How a session was opened, by password as all until now or by the unified sign-in; an index of steps at work."""

import sqlalchemy as sa
from alembic import op


revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None

AT_WORK = sa.text("state = 'active' AND element_type = 'SERVICE_TASK'")


def upgrade() -> None:
    """Apply the revision."""
    with op.batch_alter_table('access_token') as batch_op:
        batch_op.add_column(sa.Column('method', sa.String(32), nullable=False, server_default='password'))
    with op.batch_alter_table('access_token') as batch_op:
        batch_op.alter_column('method', server_default=None)
    op.create_index(
        'ix_element_visit_job', 'element_visit', ['started_at'], sqlite_where=AT_WORK, postgresql_where=AT_WORK
    )


def downgrade() -> None:
    """Take the revision back."""
    op.drop_index('ix_element_visit_job', 'element_visit')
    with op.batch_alter_table('access_token') as batch_op:
        batch_op.drop_column('method')
