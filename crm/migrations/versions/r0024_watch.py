"""Warnings that credits come to an end, and which organisations' ledgers are to be replayed."""

from alembic import op

from crm.migrations.tenant import create_tenant_table, drop_tables, force_row_security

revision = "r0024"
down_revision = "r0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE subscriptions ADD COLUMN alert_base bigint NOT NULL DEFAULT 0")
    create_tenant_table(
        "balance_alerts",
        """level bigint NOT NULL,
        base bigint NOT NULL,
        available bigint NOT NULL,
        at timestamptz NOT NULL""",
    )
    op.execute("CREATE INDEX balance_alerts_level ON balance_alerts (org_id, level, at)")
    op.execute("""CREATE TABLE ledger_duties (
        org_id uuid PRIMARY KEY REFERENCES organisations (id) ON DELETE CASCADE,
        checked_at timestamptz)""")
    op.execute("CREATE INDEX ledger_duties_checked ON ledger_duties (checked_at NULLS FIRST)")
    # The owner sees no organisation while row security is forced.
    op.execute("ALTER TABLE organisations NO FORCE ROW LEVEL SECURITY")
    op.execute("INSERT INTO ledger_duties (org_id) SELECT id FROM organisations")
    force_row_security("organisations")


def downgrade() -> None:
    op.execute("DROP TABLE ledger_duties")
    drop_tables("balance_alerts")
    op.execute("ALTER TABLE subscriptions DROP COLUMN alert_base")
