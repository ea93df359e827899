"""Plans and prices of an organisation's own, and finding its live calls."""

from alembic import op

from crm.migrations.tenant import TIMES, create_tenant_table, drop_tables

revision = "r0018"
down_revision = "r0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_tenant_table("subscriptions", f"plan text NOT NULL, {TIMES}, UNIQUE (org_id)")
    create_tenant_table(
        "own_prices",
        """resource text NOT NULL,
        price bigint CHECK (price > 0),
        from_at timestamptz NOT NULL,
        at timestamptz NOT NULL DEFAULT now()""",
    )
    op.execute("CREATE INDEX own_prices_from ON own_prices (org_id, resource, from_at, id)")
    op.execute("CREATE INDEX calls_live ON calls (org_id, created_at) WHERE ended_at IS NULL")


def downgrade() -> None:
    op.execute("DROP INDEX calls_live")
    drop_tables("own_prices", "subscriptions")
