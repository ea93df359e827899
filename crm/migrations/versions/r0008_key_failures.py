"""What becomes of calls when an organisation's own key fails, and since when it does."""

from alembic import op

revision = "r0008"
down_revision = "r0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""ALTER TABLE provider_keys
        ADD COLUMN when_refused text NOT NULL DEFAULT 'operator_key' CHECK (when_refused IN ('operator_key', 'block')),
        ADD COLUMN refused_at timestamptz""")


def downgrade() -> None:
    op.execute("ALTER TABLE provider_keys DROP COLUMN when_refused, DROP COLUMN refused_at")
