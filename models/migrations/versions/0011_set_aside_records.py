"""Keep the records the feed could not project, and which versions of a process the engine has deleted."""

import sqlalchemy as sa
from alembic import op


revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    op.create_table(
        'set_aside_record',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('exporter', sa.String(length=64), nullable=False),
        sa.Column('partition', sa.Integer(), nullable=False),
        sa.Column('position', sa.BigInteger(), nullable=False),
        sa.Column('value_type', sa.String(length=64), nullable=False),
        sa.Column('intent', sa.String(length=64), nullable=False),
        sa.Column('subject_key', sa.BigInteger(), nullable=True),
        sa.Column('name', sa.String(length=128), nullable=False),
        sa.Column('reason', sa.String(), nullable=False),
        sa.Column('raw', sa.LargeBinary(), nullable=False),
        sa.Column('behind', sa.Integer(), nullable=True),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('retry_asked_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('retried_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('settlement', sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_set_aside_record')),
        sa.UniqueConstraint('exporter', 'partition', 'position', name='uq_set_aside_record_position'),
    )
    op.create_index('ix_set_aside_record_open', 'set_aside_record', ['settled_at', 'behind', 'id'])
    op.create_index('ix_set_aside_record_subject', 'set_aside_record', ['value_type', 'subject_key'])
    with op.batch_alter_table('process_definition', schema=None) as batch_op:
        batch_op.add_column(sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Take the revision back."""
    with op.batch_alter_table('process_definition', schema=None) as batch_op:
        batch_op.drop_column('deleted_at')
    op.drop_index('ix_set_aside_record_subject', table_name='set_aside_record')
    op.drop_index('ix_set_aside_record_open', table_name='set_aside_record')
    op.drop_table('set_aside_record')
