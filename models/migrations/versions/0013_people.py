"""Tell people apart from posts: phones, one-time passwords, when a session was last used, and the audit's indexes."""

import sqlalchemy as sa
from alembic import op


revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None

INDEXES = {'ix_audit_entry_at': ['at'], 'ix_audit_entry_actor': ['actor', 'id']}


def upgrade() -> None:
    """Apply the revision: every password counts as changed now, every session as used when it began."""
    with op.batch_alter_table('account', schema=None) as batch_op:
        batch_op.add_column(sa.Column('phone', sa.String(20), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('password_one_time', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column('password_changed_at', sa.DateTime(timezone=True), nullable=True))
    op.execute('UPDATE account SET password_changed_at = CURRENT_TIMESTAMP')
    with op.batch_alter_table('account', schema=None) as batch_op:
        batch_op.alter_column('phone', server_default=None)
        batch_op.alter_column('password_one_time', server_default=None)
    with op.batch_alter_table('access_token', schema=None) as batch_op:
        batch_op.add_column(sa.Column('seen_at', sa.DateTime(timezone=True), nullable=True))
    op.execute('UPDATE access_token SET seen_at = created_at')
    with op.batch_alter_table('access_token', schema=None) as batch_op:
        batch_op.alter_column('seen_at', existing_type=sa.DateTime(timezone=True), nullable=False)
    for name, columns in INDEXES.items():
        op.create_index(name, 'audit_entry', columns)


def downgrade() -> None:
    """Take the revision back."""
    for name in INDEXES:
        op.drop_index(name, 'audit_entry')
    with op.batch_alter_table('access_token', schema=None) as batch_op:
        batch_op.drop_column('seen_at')
    with op.batch_alter_table('account', schema=None) as batch_op:
        for name in ('phone', 'password_one_time', 'password_changed_at'):
            batch_op.drop_column(name)
