"""Exports may fail for good, and dead jobs are told of once (crm.jobs.giving_up)."""

from alembic import op

revision = "r0045"
down_revision = "r0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE job_failures ADD COLUMN told boolean NOT NULL DEFAULT false")
    op.execute("""ALTER TABLE exports ADD COLUMN fault text NOT NULL DEFAULT '', DROP CONSTRAINT exports_state_check,
        ADD CONSTRAINT exports_state_check CHECK (state IN ('waiting', 'finished', 'failed', 'expired'))""")


def downgrade() -> None:
    op.execute("ALTER TABLE exports NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE exports SET state = 'waiting' WHERE state = 'failed'")
    op.execute("ALTER TABLE exports FORCE ROW LEVEL SECURITY")
    op.execute("""ALTER TABLE exports DROP COLUMN fault, DROP CONSTRAINT exports_state_check,
        ADD CONSTRAINT exports_state_check CHECK (state IN ('waiting', 'finished', 'expired'))""")
    op.execute("ALTER TABLE job_failures DROP COLUMN told")
