"""Custom fields of leads with types, as organisations define them. Values stay where they are, in the leads."""

from crm.migrations.tenant import TIMES, create_tenant_table, drop_tables

revision = "r0036"
down_revision = "r0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_tenant_table(
        "custom_fields",
        f"""key text NOT NULL CHECK (key <> ''),
        label text NOT NULL,
        type text NOT NULL CHECK (type IN ('text', 'number', 'date', 'choice', 'boolean')),
        options jsonb NOT NULL DEFAULT '[]',
        required boolean NOT NULL DEFAULT false,
        position bigint NOT NULL,
        {TIMES},
        UNIQUE (org_id, key)""",
    )


def downgrade() -> None:
    drop_tables("custom_fields")
