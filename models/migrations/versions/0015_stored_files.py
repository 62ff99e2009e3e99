"""Files people hand in with materials and opinions."""

import sqlalchemy as sa
from alembic import op


revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    op.create_table(
        'stored_file',
        sa.Column('id', sa.String(32), nullable=False),
        sa.Column('name', sa.String(200), nullable=False),
        sa.Column('media_type', sa.String(100), nullable=False),
        sa.Column('size', sa.BigInteger(), nullable=False),
        sa.Column('sha256', sa.String(64), nullable=False),
        sa.Column('uploaded_by', sa.String(64), nullable=False),
        sa.Column('uploaded_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('case_no', sa.String(32), nullable=True),
        sa.Column('material_id', sa.Integer(), nullable=True),
        sa.Column('task_key', sa.BigInteger(), nullable=True),
        sa.Column('bound_at', sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(['case_no'], ['case.case_no'], name=op.f('fk_stored_file_case_no_case')),
        sa.ForeignKeyConstraint(['material_id'], ['material.id'], name=op.f('fk_stored_file_material_id_material')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_stored_file')),
    )
    op.create_index('ix_stored_file_case', 'stored_file', ['case_no', 'bound_at'])
    op.create_index('ix_stored_file_sha256', 'stored_file', ['sha256'])


def downgrade() -> None:
    """Take the revision back."""
    op.drop_table('stored_file')
