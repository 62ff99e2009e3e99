"""Record for each date of a case whether it is provisional (暂定)."""

import sqlalchemy as sa
from alembic import op


revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision; what was known of the due date or the receipt's is kept, the next start computes the rest."""
    with op.batch_alter_table('case', schema=None) as batch_op:
        batch_op.add_column(sa.Column('provisional_dates', sa.JSON(), server_default='[]', nullable=False))
    with op.batch_alter_table('task', schema=None) as batch_op:
        batch_op.add_column(sa.Column('provisional', sa.Boolean(), server_default=sa.false(), nullable=False))
    of_case = sa.table(
        'case',
        sa.column('provisional', sa.Boolean()),
        sa.column('provisional_dates', sa.JSON()),
        sa.column('accepted_at', sa.DateTime()),
    )
    for accepted, names in ((True, ['due_at', 'promised_due_at']), (False, ['acceptance_due_at', 'supplement_due_at'])):
        stage = of_case.c.accepted_at.is_not(None) if accepted else of_case.c.accepted_at.is_(None)
        op.execute(of_case.update().where(of_case.c.provisional, stage).values(provisional_dates=names))


def downgrade() -> None:
    """Take the revision back."""
    with op.batch_alter_table('task', schema=None) as batch_op:
        batch_op.drop_column('provisional')
    with op.batch_alter_table('case', schema=None) as batch_op:
        batch_op.drop_column('provisional_dates')
