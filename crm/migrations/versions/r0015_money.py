"""Refunds, and a statement that is chosen by kind."""

from alembic import op

from crm.migrations.tenant import create_tenant_table, drop_tables

revision = "r0015"
down_revision = "r0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""ALTER TABLE calls ADD COLUMN refunded bigint NOT NULL DEFAULT 0
        CONSTRAINT calls_refunded CHECK (refunded BETWEEN 0 AND charged)""")
    create_tenant_table(
        "refunds",
        """call_id uuid NOT NULL,
        amount bigint NOT NULL CHECK (amount > 0),
        reason text NOT NULL CHECK (reason <> ''),
        by_user uuid,
        at timestamptz NOT NULL DEFAULT now(),
        FOREIGN KEY (org_id, call_id) REFERENCES calls (org_id, id) ON DELETE CASCADE""",
    )
    op.execute("CREATE INDEX refunds_call ON refunds (org_id, call_id, at)")
    op.execute("CREATE INDEX ledger_transactions_kind ON ledger_transactions (org_id, kind, at, id)")


def downgrade() -> None:
    op.execute("DROP INDEX ledger_transactions_kind")
    drop_tables("refunds")
    op.execute("ALTER TABLE calls DROP COLUMN refunded")
