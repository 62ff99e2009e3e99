"""Notices about something other than a case: policy notices, filings, recalls, agreements, questions."""

import sqlalchemy as sa
from alembic import op


revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    with op.batch_alter_table('notice', schema=None) as batch_op:
        batch_op.alter_column('case_no', existing_type=sa.String(32), nullable=True)
        batch_op.add_column(sa.Column('subject', sa.String(32), nullable=False, server_default='case'))
        batch_op.add_column(sa.Column('subject_id', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('title', sa.String(300), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('area', sa.String(32), nullable=False, server_default=''))
    with op.batch_alter_table('question', schema=None) as batch_op:
        batch_op.add_column(sa.Column('reminded_at', sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Take the revision back; notices without a case are lost."""
    with op.batch_alter_table('question', schema=None) as batch_op:
        batch_op.drop_column('reminded_at')
    op.execute('DELETE FROM notice_reading WHERE notice_id IN (SELECT id FROM notice WHERE case_no IS NULL)')
    op.execute('DELETE FROM notice WHERE case_no IS NULL')
    with op.batch_alter_table('notice', schema=None) as batch_op:
        batch_op.drop_column('area')
        batch_op.drop_column('title')
        batch_op.drop_column('subject_id')
        batch_op.drop_column('subject')
        batch_op.alter_column('case_no', existing_type=sa.String(32), nullable=False)
