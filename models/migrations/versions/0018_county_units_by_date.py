"""Give county units dates, successors, later names and the name their papers bear; keep each case's unit.

Recipients of a policy notice who need not acknowledge it are marked.

Nineteen areas had one placeholder that handled nothing, and their cases named no unit: these keep the placeholder, so
that the units seeded now do not become theirs in mid-case.
"""

from datetime import date

import sqlalchemy as sa
from alembic import op


revision = '0018'
down_revision = '0017'
branch_labels = None
depends_on = None

PLACEHOLDER = 'cjdw'
BEFORE_ANY_CASE = date(2022, 4, 30)


def upgrade() -> None:
    """Apply the revision."""
    with op.batch_alter_table('county_unit', schema=None) as batch_op:
        batch_op.add_column(sa.Column('paper_name', sa.String(100), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('belongs_to', sa.String(32), nullable=False, server_default='county'))
        batch_op.add_column(sa.Column('in_force_from', sa.Date(), nullable=True))
        batch_op.add_column(sa.Column('in_force_to', sa.Date(), nullable=True))
        batch_op.add_column(sa.Column('succeeded_by', sa.String(32), nullable=True))
        batch_op.add_column(sa.Column('renames', sa.JSON(), nullable=False, server_default='[]'))
    with op.batch_alter_table('policy_recipient', schema=None) as batch_op:
        batch_op.add_column(sa.Column('required', sa.Boolean(), nullable=False, server_default=sa.true()))
    unit = sa.table('county_unit', sa.column('area'), sa.column('code'), sa.column('in_force_to', sa.Date))
    case = sa.table('case', sa.column('area'), sa.column('county_unit'))
    placeholders = sa.select(unit.c.area).where(unit.c.code == PLACEHOLDER)
    op.execute(
        case.update()
        .where(case.c.county_unit.is_(None), case.c.area.in_(placeholders))
        .values(county_unit=PLACEHOLDER)
    )
    op.execute(unit.update().where(unit.c.code == PLACEHOLDER).values(in_force_to=BEFORE_ANY_CASE))


def downgrade() -> None:
    """Take the revision back; a case goes on keeping the placeholder, which the release before knows as well."""
    with op.batch_alter_table('policy_recipient', schema=None) as batch_op:
        batch_op.drop_column('required')
    with op.batch_alter_table('county_unit', schema=None) as batch_op:
        for name in ('renames', 'succeeded_by', 'in_force_to', 'in_force_from', 'belongs_to', 'paper_name'):
            batch_op.drop_column(name)
