"""Keep electronic seals, their keys and uses, and what of a paper its signature covers."""

import sqlalchemy as sa
from alembic import op
from models.database import Instant


revision = '0019'
down_revision = '0018'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    op.create_table(
        'authority_key',
        sa.Column('role', sa.String(32), nullable=False),
        sa.Column('certificate', sa.String(), nullable=False),
        sa.Column('private_key', sa.String(8192), nullable=False),
        sa.PrimaryKeyConstraint('role', name=op.f('pk_authority_key')),
    )
    op.create_table(
        'electronic_seal',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('text', sa.String(100), nullable=False),
        sa.Column('owner', sa.String(100), nullable=False),
        sa.Column('items', sa.JSON(), nullable=False),
        sa.Column('modes', sa.JSON(), nullable=False),
        sa.Column('state', sa.String(32), nullable=False),
        sa.Column('suspended_for', sa.String(200), nullable=False),
        sa.Column('valid_from', Instant(), nullable=False),
        sa.Column('valid_until', Instant(), nullable=False),
        sa.Column('certificates', sa.String(), nullable=False),
        sa.Column('private_key', sa.String(8192), nullable=False),
        sa.Column('module_key', sa.String(64), nullable=False),
        sa.Column('imported', sa.Boolean(), nullable=False),
        sa.Column('created_at', Instant(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_electronic_seal')),
        sa.UniqueConstraint('text', name='uq_electronic_seal_text'),
    )
    op.create_table(
        'seal_use',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('seal', sa.String(100), nullable=False),
        sa.Column('case_no', sa.String(32), nullable=False),
        sa.Column('kind', sa.String(32), nullable=False),
        sa.Column('number', sa.String(64), nullable=False),
        sa.Column('serial', sa.String(64), nullable=False),
        sa.Column('outcome', sa.String(32), nullable=False),
        sa.Column('reason', sa.String(32), nullable=False),
        sa.Column('at', Instant(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_seal_use')),
    )
    op.create_index('ix_seal_use_seal', 'seal_use', ['seal', 'id'])
    with op.batch_alter_table('document', schema=None) as batch_op:
        batch_op.add_column(sa.Column('signed_digest', sa.String(64), nullable=False, server_default=''))
        batch_op.create_index('ix_document_sha256', ['sha256'])
        batch_op.create_index('ix_document_signed_digest', ['signed_digest'])


def downgrade() -> None:
    """Take the revision back."""
    with op.batch_alter_table('document', schema=None) as batch_op:
        batch_op.drop_index('ix_document_signed_digest')
        batch_op.drop_index('ix_document_sha256')
        batch_op.drop_column('signed_digest')
    op.drop_index('ix_seal_use_seal', table_name='seal_use')
    op.drop_table('seal_use')
    op.drop_table('electronic_seal')
    op.drop_table('authority_key')
