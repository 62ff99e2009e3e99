"""Move a case's deadlines to a table of their own: one row per case for the dates derived from its clock."""

import sqlalchemy as sa
from alembic import op


revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None

INSTANTS = (
    'acceptance_due_at',
    'acceptance_warn_at',
    'supplement_due_at',
    'due_at',
    'warn_at',
    'promised_due_at',
    'review_due_at',
    'review_warn_at',
    'review_overrun_at',
    'forwarding_late_at',
    'decision_due_at',
    'decision_warn_at',
    'decision_overrun_at',
    'delivery_due_at',
)
REQUIRED = {
    'provisional': (sa.Boolean(), sa.false()),
    'provisional_dates': (sa.JSON(), '[]'),
    'thresholds': (sa.JSON(), '{}'),
    'clock_version': (sa.Integer(), '0'),
}
NAMES = (*INSTANTS, *REQUIRED)


def upgrade() -> None:
    """Apply the revision: every case's dates move to a row of their own."""
    op.create_table(
        'case_deadlines',
        sa.Column('case_no', sa.String(32), nullable=False),
        *(sa.Column(name, sa.DateTime(timezone=True), nullable=True) for name in INSTANTS),
        *(sa.Column(name, kind, nullable=False) for name, (kind, _) in REQUIRED.items()),
        sa.ForeignKeyConstraint(['case_no'], ['case.case_no'], name=op.f('fk_case_deadlines_case_no_case')),
        sa.PrimaryKeyConstraint('case_no', name=op.f('pk_case_deadlines')),
    )
    columns = ', '.join(('case_no', *NAMES))
    op.execute(f'INSERT INTO case_deadlines ({columns}) SELECT {columns} FROM "case"')
    with op.batch_alter_table('case', schema=None) as batch_op:
        for name in NAMES:
            batch_op.drop_column(name)


def downgrade() -> None:
    """Take the revision back: the dates return to their case."""
    with op.batch_alter_table('case', schema=None) as batch_op:
        for name in INSTANTS:
            batch_op.add_column(sa.Column(name, sa.DateTime(timezone=True), nullable=True))
        for name, (kind, default) in REQUIRED.items():
            batch_op.add_column(sa.Column(name, kind, server_default=default, nullable=False))
    returned = ', '.join(f'{name} = owed.{name}' for name in NAMES)
    op.execute(f'UPDATE "case" SET {returned} FROM case_deadlines AS owed WHERE owed.case_no = "case".case_no')
    with op.batch_alter_table('case', schema=None) as batch_op:
        for name in REQUIRED:
            if name != 'provisional_dates':
                batch_op.alter_column(name, server_default=None)
    op.drop_table('case_deadlines')
