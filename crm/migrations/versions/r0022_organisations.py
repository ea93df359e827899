"""Organisations: their domain, and who they are at the payment service."""

from alembic import op

revision = "r0022"
down_revision = "r0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""ALTER TABLE organisations
        ADD COLUMN domain text NOT NULL DEFAULT '',
        ADD COLUMN payment_customer_id text UNIQUE""")


def downgrade() -> None:
    op.execute("ALTER TABLE organisations DROP COLUMN domain, DROP COLUMN payment_customer_id")
