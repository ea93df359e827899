"""Exports of lists of leads."""

from crm.migrations.tenant import create_tenant_table, drop_tables

revision = "r0025"
down_revision = "r0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_tenant_table(
        "exports",
        """created_by uuid,
        format text NOT NULL CHECK (format IN ('csv', 'xlsx')),
        filters jsonb NOT NULL,
        state text NOT NULL CHECK (state IN ('waiting', 'finished', 'expired')),
        rows bigint NOT NULL DEFAULT 0,
        files jsonb NOT NULL DEFAULT '[]',
        fetched bigint NOT NULL DEFAULT 0,
        fetched_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        finished_at timestamptz,
        expires_at timestamptz""",
    )


def downgrade() -> None:
    drop_tables("exports")
