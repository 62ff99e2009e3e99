"""Name the tables by the field's words: a task's outcome, and notifications."""

import sqlalchemy as sa
from alembic import op


revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision: tables, indexes and constraints get new names, no row is changed."""
    _rename('decision', 'task_outcome', {'case': ['case_no', 'id']}, {'task': ['task_key']})
    _rename('notice_reading', 'notification_reading')
    with op.batch_alter_table('notification_reading', schema=None) as batch_op:
        batch_op.alter_column('notice_id', new_column_name='notification_id', existing_type=sa.Integer())
    _rename('notice', 'notification', {'group': ['to_group', 'id'], 'case': ['case_no', 'id']},
            {'cause': ['natural_key', 'to_group']})


def downgrade() -> None:
    """Take the revision back."""
    _rename('notification', 'notice', {'group': ['to_group', 'id'], 'case': ['case_no', 'id']},
            {'cause': ['natural_key', 'to_group']})
    with op.batch_alter_table('notification_reading', schema=None) as batch_op:
        batch_op.alter_column('notification_id', new_column_name='notice_id', existing_type=sa.Integer())
    _rename('notification_reading', 'notice_reading')
    _rename('task_outcome', 'decision', {'case': ['case_no', 'id']}, {'task': ['task_key']})


def _rename(
    old: str, new: str, indexes: dict[str, list[str]] | None = None, uniques: dict[str, list[str]] | None = None
) -> None:
    """Rename a table with its indexes and unique constraints, whose names begin with the table's."""
    for name in indexes or {}:
        op.drop_index(f'ix_{old}_{name}', table_name=old)
    op.rename_table(old, new)
    with op.batch_alter_table(new, schema=None) as batch_op:
        for name, columns in (uniques or {}).items():
            batch_op.drop_constraint(f'uq_{old}_{name}', type_='unique')
            batch_op.create_unique_constraint(f'uq_{new}_{name}', columns)
    for name, columns in (indexes or {}).items():
        op.create_index(f'ix_{new}_{name}', new, columns)
