"""Unit transfers (二次划转) have a table of their own for the cases in flight, and name the process that keeps their day."""

import sqlalchemy as sa
from alembic import op


revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision; transfers decided before stay with the process they began with, the recall's."""
    op.create_table('unit_transfer_case',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('unit_transfer_id', sa.Integer(), nullable=False),
    sa.Column('case_no', sa.String(32), nullable=False),
    sa.Column('disposition', sa.String(32), nullable=False),
    sa.Column('state_code', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('from_unit', sa.String(32), nullable=True),
    sa.ForeignKeyConstraint(['case_no'], ['case.case_no'], name=op.f('fk_unit_transfer_case_case_no_case')),
    sa.ForeignKeyConstraint(['unit_transfer_id'], ['unit_transfer.id'], name=op.f('fk_unit_transfer_case_unit_transfer_id_unit_transfer')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_unit_transfer_case')),
    sa.UniqueConstraint('unit_transfer_id', 'case_no', name='uq_unit_transfer_case')
    )
    op.execute(
        'INSERT INTO unit_transfer_case (unit_transfer_id, case_no, disposition, state_code, at, from_unit)'
        ' SELECT unit_transfer_id, case_no, disposition, state_code, at, from_unit FROM recall_case'
        ' WHERE unit_transfer_id IS NOT NULL ORDER BY id'
    )
    op.execute('DELETE FROM recall_case WHERE unit_transfer_id IS NOT NULL')
    with op.batch_alter_table('recall_case', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_recall_case_one_cause'), type_='check')
        batch_op.drop_constraint('uq_recall_case_unit_transfer', type_='unique')
        batch_op.drop_constraint(batch_op.f('fk_recall_case_unit_transfer_id_unit_transfer'), type_='foreignkey')
        batch_op.drop_column('from_unit')
        batch_op.drop_column('unit_transfer_id')
        batch_op.alter_column('recall_id', existing_type=sa.Integer(), nullable=False)
    with op.batch_alter_table('unit_transfer', schema=None) as batch_op:
        batch_op.add_column(sa.Column('process_id', sa.String(64), nullable=False, server_default='delegation-recall'))
    with op.batch_alter_table('unit_transfer', schema=None) as batch_op:
        batch_op.alter_column('process_id', server_default=None)


def downgrade() -> None:
    """Take the revision back; a transfer that waits in a process of its own must be revoked before."""
    with op.batch_alter_table('unit_transfer', schema=None) as batch_op:
        batch_op.drop_column('process_id')
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
    op.execute(
        'INSERT INTO recall_case (unit_transfer_id, case_no, disposition, state_code, at, from_unit)'
        ' SELECT unit_transfer_id, case_no, disposition, state_code, at, from_unit FROM unit_transfer_case ORDER BY id'
    )
    op.drop_table('unit_transfer_case')
