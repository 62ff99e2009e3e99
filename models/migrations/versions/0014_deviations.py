"""Deviations: actions of the engine that no use case requested."""

import sqlalchemy as sa
from alembic import op


revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    op.create_table(
        'deviation',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('natural_key', sa.String(120), nullable=False),
        sa.Column('kind', sa.String(32), nullable=False),
        sa.Column('case_no', sa.String(32), nullable=False),
        sa.Column('process_instance_key', sa.BigInteger(), nullable=False),
        sa.Column('task_key', sa.BigInteger(), nullable=True),
        sa.Column('element_id', sa.String(128), nullable=False),
        sa.Column('text', sa.String(), nullable=False),
        sa.Column('found_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('steps', sa.JSON(), nullable=False),
        sa.Column('command', sa.String(200), nullable=True),
        sa.Column('asked_by', sa.String(64), nullable=True),
        sa.Column('asked_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(['case_no'], ['case.case_no'], name=op.f('fk_deviation_case_no_case')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_deviation')),
        sa.UniqueConstraint('natural_key', name='uq_deviation_natural_key'),
    )
    op.create_index('ix_deviation_instance', 'deviation', ['process_instance_key'])
    op.create_index('ix_deviation_case', 'deviation', ['case_no', 'settled_at'])
    op.create_index('ix_deviation_settled', 'deviation', ['settled_at', 'id'])


def downgrade() -> None:
    """Take the revision back."""
    op.drop_table('deviation')
