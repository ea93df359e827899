"""API keys."""

from crm.migrations.tenant import create_tenant_table, drop_tables

revision = "r0017"
down_revision = "r0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_tenant_table(
        "api_keys",
        """name text NOT NULL,
        prefix text NOT NULL,
        hash text NOT NULL,
        scopes jsonb NOT NULL,
        made_by uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz,
        last_used_at timestamptz,
        revoked_at timestamptz,
        revoked_why text NOT NULL DEFAULT '',
        UNIQUE (org_id, prefix)""",
    )


def downgrade() -> None:
    drop_tables("api_keys")
