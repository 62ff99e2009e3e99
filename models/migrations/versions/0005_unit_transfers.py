"""Second transfers (二次划转) deal with the cases in flight; a case names its county unit."""

import sqlalchemy as sa
from alembic import op


revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision; transfers decided before left the cases in flight with their unit."""
    op.add_column('case', sa.Column('county_unit', sa.String(32), nullable=True))
    with op.batch_alter_table('unit_transfer', schema=None) as batch_op:
        batch_op.add_column(sa.Column('state', sa.String(32), nullable=False, server_default='effective'))
        batch_op.add_column(sa.Column('in_flight', sa.String(32), nullable=False, server_default='finish'))
        batch_op.add_column(sa.Column('took_effect_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('revoked_by', sa.String(64), nullable=True))
        batch_op.add_column(sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('revoke_reason', sa.String(), nullable=False, server_default=''))
    with op.batch_alter_table('unit_transfer', schema=None) as batch_op:
        for name in ('state', 'in_flight', 'revoke_reason'):
            batch_op.alter_column(name, server_default=None)
    with op.batch_alter_table('recall_case', schema=None) as batch_op:
        batch_op.alter_column('recall_id', existing_type=sa.Integer(), nullable=True)
        batch_op.add_column(sa.Column('unit_transfer_id', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('from_unit', sa.String(32), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f('fk_recall_case_unit_transfer_id_unit_transfer'), 'unit_transfer', ['unit_transfer_id'], ['id']
        )
        batch_op.create_unique_constraint('uq_recall_case_unit_transfer', ['unit_transfer_id', 'case_no'])
        batch_op.create_check_constraint(
            batch_op.f('ck_recall_case_one_cause'), '(recall_id IS NULL) <> (unit_transfer_id IS NULL)'
        )


def downgrade() -> None:
    """Take the revision back; what second transfers did to cases is forgotten."""
    op.execute('DELETE FROM recall_case WHERE recall_id IS NULL')
    with op.batch_alter_table('recall_case', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_recall_case_one_cause'), type_='check')
        batch_op.drop_constraint('uq_recall_case_unit_transfer', type_='unique')
        batch_op.drop_constraint(batch_op.f('fk_recall_case_unit_transfer_id_unit_transfer'), type_='foreignkey')
        batch_op.drop_column('from_unit')
        batch_op.drop_column('unit_transfer_id')
        batch_op.alter_column('recall_id', existing_type=sa.Integer(), nullable=False)
    with op.batch_alter_table('unit_transfer', schema=None) as batch_op:
        for name in ('revoke_reason', 'revoked_at', 'revoked_by', 'took_effect_at', 'in_flight', 'state'):
            batch_op.drop_column(name)
    op.drop_column('case', 'county_unit')
