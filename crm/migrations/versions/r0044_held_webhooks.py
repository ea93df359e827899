"""Webhooks whose server hangs are held back (crm.webhooks.slowness)."""

from alembic import op

revision = "r0044"
down_revision = "r0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE webhooks ADD COLUMN slow_tries bigint NOT NULL DEFAULT 0, ADD COLUMN held_until timestamptz"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE webhooks DROP COLUMN slow_tries, DROP COLUMN held_until")
