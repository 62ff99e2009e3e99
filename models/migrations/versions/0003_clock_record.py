"""Keep what a case's clock said at its decision."""

import sqlalchemy as sa
from alembic import op


revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    op.create_table('clock_record',
    sa.Column('case_no', sa.String(32), nullable=False),
    sa.Column('kept_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('body', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['case_no'], ['case.case_no'], name=op.f('fk_clock_record_case_no_case')),
    sa.PrimaryKeyConstraint('case_no', name=op.f('pk_clock_record'))
    )


def downgrade() -> None:
    """Take the revision back."""
    op.drop_table('clock_record')
