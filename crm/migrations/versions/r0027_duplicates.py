"""Suggestions of leads that may be one person, and what was merged, for as long as it can be undone."""

from alembic import op

from crm.migrations.tenant import create_tenant_table, drop_tables

revision = "r0027"
down_revision = "r0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_tenant_table(
        "merge_suggestions",
        """lead_a uuid NOT NULL,
        lead_b uuid NOT NULL CHECK (lead_a < lead_b),
        score bigint NOT NULL CHECK (score BETWEEN 0 AND 100),
        reasons jsonb NOT NULL,
        dismissed boolean NOT NULL DEFAULT false,
        created_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (org_id, lead_a, lead_b),
        FOREIGN KEY (org_id, lead_a) REFERENCES leads (org_id, id) ON DELETE CASCADE,
        FOREIGN KEY (org_id, lead_b) REFERENCES leads (org_id, id) ON DELETE CASCADE""",
        partitioned=True,
    )
    op.execute("CREATE INDEX merge_suggestions_open ON merge_suggestions (org_id, score, id) WHERE NOT dismissed")
    op.execute("CREATE INDEX merge_suggestions_b ON merge_suggestions (org_id, lead_b)")
    # No foreign key to leads: one of the two is gone, and the other may be merged on, until that is undone.
    create_tenant_table(
        "lead_merges",
        """kept_id uuid NOT NULL,
        gone_id uuid NOT NULL,
        merged_by uuid,
        before jsonb NOT NULL,
        after jsonb NOT NULL,
        gone jsonb NOT NULL,
        moved jsonb NOT NULL,
        at timestamptz NOT NULL DEFAULT now(),
        undone_at timestamptz,
        undone_by uuid""",
    )
    op.execute("CREATE INDEX lead_merges_kept ON lead_merges (org_id, kept_id)")


def downgrade() -> None:
    drop_tables("lead_merges", "merge_suggestions")
