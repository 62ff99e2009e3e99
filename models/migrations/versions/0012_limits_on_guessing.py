"""Failures are counted in windows, and an account is no longer locked: known addresses instead."""

import sqlalchemy as sa
from alembic import op


revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision; existing locks are lifted."""
    op.create_table(
        'rate_hit',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('key', sa.String(400), nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_rate_hit')),
    )
    op.create_index('ix_rate_hit_key', 'rate_hit', ['key', 'at'])
    op.create_index(op.f('ix_rate_hit_expires_at'), 'rate_hit', ['expires_at'])
    op.create_table(
        'known_address',
        sa.Column('username', sa.String(64), nullable=False),
        sa.Column('address', sa.String(64), nullable=False),
        sa.Column('last_used_at', sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(['username'], ['account.username'], name=op.f('fk_known_address_username_account')),
        sa.PrimaryKeyConstraint('username', 'address', name=op.f('pk_known_address')),
    )
    with op.batch_alter_table('account', schema=None) as batch_op:
        batch_op.drop_column('locked_until')
        batch_op.drop_column('failed_attempts')


def downgrade() -> None:
    """Take the revision back: no account has failed."""
    with op.batch_alter_table('account', schema=None) as batch_op:
        batch_op.add_column(sa.Column('failed_attempts', sa.Integer(), nullable=False, server_default='0'))
        batch_op.add_column(sa.Column('locked_until', sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table('account', schema=None) as batch_op:
        batch_op.alter_column('failed_attempts', server_default=None)
    op.drop_table('known_address')
    op.drop_table('rate_hit')
