"""Supervision feedback is recorded once, and its answer is due."""

import sqlalchemy as sa
from alembic import op


revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision; feedback given before has neither a key nor a day on which its answer was due."""
    with op.batch_alter_table('supervision_feedback', schema=None) as batch_op:
        batch_op.add_column(sa.Column('natural_key', sa.String(64), nullable=True))
        batch_op.add_column(sa.Column('answer_due_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('reminded_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.create_unique_constraint('uq_supervision_feedback_natural_key', ['push_id', 'natural_key'])


def downgrade() -> None:
    """Take the revision back."""
    with op.batch_alter_table('supervision_feedback', schema=None) as batch_op:
        batch_op.drop_constraint('uq_supervision_feedback_natural_key', type_='unique')
        batch_op.drop_column('reminded_at')
        batch_op.drop_column('answer_due_at')
        batch_op.drop_column('natural_key')
