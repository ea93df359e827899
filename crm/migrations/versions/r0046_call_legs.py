"""Further legs of calls: whom people in a call have telephoned, and what of the call's credits each holds and used."""

from alembic import op

from crm.migrations.tenant import create_tenant_table, drop_tables

revision = "r0046"
down_revision = "r0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_tenant_table(
        "call_legs",
        """call_id uuid NOT NULL,
        decision_id uuid NOT NULL,
        purpose text NOT NULL CHECK (purpose IN ('consult', 'transfer')),
        number text NOT NULL,
        user_id uuid NOT NULL,
        funded_s bigint NOT NULL CHECK (funded_s > 0),
        price_per_minute bigint NOT NULL,
        reserved bigint NOT NULL CHECK (reserved >= 0),
        charged bigint NOT NULL DEFAULT 0 CHECK (charged >= 0),
        billable_s bigint NOT NULL DEFAULT 0,
        carrier_call_id text,
        arrangement text NOT NULL DEFAULT '',
        reason text NOT NULL DEFAULT '',
        created_at timestamptz NOT NULL DEFAULT now(),
        answered_at timestamptz,
        ended_at timestamptz,
        settled_at timestamptz,
        FOREIGN KEY (org_id, call_id) REFERENCES calls (org_id, id) ON DELETE CASCADE""",
        partitioned=True,
    )
    # Those of one call.
    op.execute("CREATE INDEX call_legs_of_call ON call_legs (org_id, call_id)")


def downgrade() -> None:
    drop_tables("call_legs")
