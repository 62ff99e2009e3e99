"""Certificates that change and end: their history, the paper one, the city library, revocation; a case names its one."""

import sqlalchemy as sa
from alembic import op


revision = '0020'
down_revision = '0019'
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply the revision; paper certificates issued before are recorded as printed when they were issued."""
    with op.batch_alter_table('case', schema=None) as batch_op:
        batch_op.add_column(sa.Column('certificate_number', sa.String(64), nullable=True))
        batch_op.create_index('ix_case_certificate', ['certificate_number'])
    with op.batch_alter_table('certificate', schema=None) as batch_op:
        batch_op.add_column(sa.Column('replaces', sa.String(64), nullable=True))
        batch_op.add_column(sa.Column('replaced_by', sa.String(64), nullable=True))
        batch_op.add_column(sa.Column('ended_at', INSTANT, nullable=True))
        batch_op.add_column(sa.Column('renewal_case_no', sa.String(32), nullable=True))
        batch_op.create_index('ix_certificate_issued', ['issued_at', 'number'])
    op.create_table(
        'certificate_event',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('number', sa.String(64), nullable=False),
        sa.Column('key', sa.String(64), nullable=False),
        sa.Column('case_no', sa.String(32), nullable=False),
        sa.Column('at', INSTANT, nullable=False),
        sa.Column('actor', sa.String(64), nullable=False),
        sa.Column('event', sa.String(32), nullable=False),
        sa.Column('text', sa.String(), nullable=False),
        sa.ForeignKeyConstraint(['number'], ['certificate.number'], name=op.f('fk_certificate_event_number_certificate')),
        sa.ForeignKeyConstraint(['case_no'], ['case.case_no'], name=op.f('fk_certificate_event_case_no_case')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_certificate_event')),
        sa.UniqueConstraint('number', 'key', name='uq_certificate_event'),
    )
    op.create_table(
        'certificate_print',
        sa.Column('number', sa.String(64), nullable=False),
        sa.Column('printed_at', INSTANT, nullable=False),
        sa.Column('voided_at', INSTANT, nullable=True),
        sa.ForeignKeyConstraint(['number'], ['certificate.number'], name=op.f('fk_certificate_print_number_certificate')),
        sa.PrimaryKeyConstraint('number', name=op.f('pk_certificate_print')),
    )
    op.create_table(
        'library_entry',
        sa.Column('number', sa.String(64), nullable=False),
        sa.Column('version', sa.Integer(), nullable=False),
        sa.Column('confirmed_version', sa.Integer(), nullable=False),
        sa.Column('standing', sa.String(32), nullable=False),
        sa.Column('attempts', sa.Integer(), nullable=False),
        sa.Column('available_at', INSTANT, nullable=False),
        sa.Column('confirmed_at', INSTANT, nullable=True),
        sa.Column('difference', sa.String(), nullable=False),
        sa.ForeignKeyConstraint(['number'], ['certificate.number'], name=op.f('fk_library_entry_number_certificate')),
        sa.PrimaryKeyConstraint('number', name=op.f('pk_library_entry')),
    )
    op.create_index('ix_library_entry_due', 'library_entry', ['standing', 'available_at', 'number'])
    op.create_table(
        'certificate_revocation',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('number', sa.String(64), nullable=False),
        sa.Column('case_no', sa.String(32), nullable=False),
        sa.Column('ground', sa.String(32), nullable=False),
        sa.Column('facts', sa.String(), nullable=False),
        sa.Column('opened_by', sa.String(64), nullable=False),
        sa.Column('opened_at', INSTANT, nullable=False),
        sa.Column('notified_at', INSTANT, nullable=False),
        sa.Column('statement', sa.String(), nullable=True),
        sa.Column('hearing', sa.String(), nullable=False),
        sa.Column('heard_by', sa.String(64), nullable=True),
        sa.Column('heard_at', INSTANT, nullable=True),
        sa.Column('outcome', sa.String(32), nullable=True),
        sa.Column('reason', sa.String(), nullable=False),
        sa.Column('decided_by', sa.String(64), nullable=True),
        sa.Column('decided_at', INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ['number'], ['certificate.number'], name=op.f('fk_certificate_revocation_number_certificate')
        ),
        sa.ForeignKeyConstraint(['case_no'], ['case.case_no'], name=op.f('fk_certificate_revocation_case_no_case')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_certificate_revocation')),
    )
    op.create_index('ix_certificate_revocation_number', 'certificate_revocation', ['number', 'id'])
    op.execute(
        'INSERT INTO certificate_print (number, printed_at)'
        ' SELECT number, issued_at FROM certificate'
    )
    op.execute(
        'INSERT INTO library_entry'
        ' (number, version, confirmed_version, standing, attempts, available_at, difference)'
        " SELECT number, 1, 0, 'pending', 0, issued_at, '' FROM certificate"
    )


def downgrade() -> None:
    """Take the revision back; refused once a certificate was revoked, which the release before cannot read."""
    certificate = sa.table('certificate', sa.column('status', sa.String))
    revoked = sa.select(sa.func.count()).select_from(certificate).where(certificate.c.status == 'revoked')
    if op.get_bind().scalar(revoked):
        raise RuntimeError('a certificate was revoked: restore a backup of the release before instead')
    for table in ('certificate_revocation', 'library_entry', 'certificate_print', 'certificate_event'):
        op.drop_table(table)
    with op.batch_alter_table('certificate', schema=None) as batch_op:
        batch_op.drop_index('ix_certificate_issued')
        for name in ('renewal_case_no', 'ended_at', 'replaced_by', 'replaces'):
            batch_op.drop_column(name)
    with op.batch_alter_table('case', schema=None) as batch_op:
        batch_op.drop_index('ix_case_certificate')
        batch_op.drop_column('certificate_number')
