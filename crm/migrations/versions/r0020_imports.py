"""Imports of files of leads, and their rows that were set aside."""

from crm.migrations.tenant import create_tenant_table, drop_tables

revision = "r0020"
down_revision = "r0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_tenant_table(
        "imports",
        """created_by uuid,
        file_name text NOT NULL,
        state text NOT NULL
            CHECK (state IN ('uploading', 'uploaded', 'running', 'finished', 'failed', 'cancelled')),
        fault jsonb NOT NULL DEFAULT '{}',
        size_bytes bigint NOT NULL DEFAULT 0,
        begin_bytes bigint NOT NULL DEFAULT 0,
        form jsonb NOT NULL DEFAULT '{}',
        columns jsonb NOT NULL DEFAULT '[]',
        plan jsonb,
        place jsonb NOT NULL DEFAULT '{}',
        rows bigint NOT NULL DEFAULT 0,
        created bigint NOT NULL DEFAULT 0,
        updated bigint NOT NULL DEFAULT 0,
        skipped bigint NOT NULL DEFAULT 0,
        bad bigint NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL DEFAULT now(),
        started_at timestamptz,
        finished_at timestamptz""",
    )
    create_tenant_table(
        "import_faults",
        """import_id uuid NOT NULL,
        row bigint NOT NULL,
        line bigint NOT NULL,
        faults jsonb NOT NULL,
        cells jsonb NOT NULL,
        UNIQUE (org_id, import_id, row),
        FOREIGN KEY (org_id, import_id) REFERENCES imports (org_id, id) ON DELETE CASCADE""",
        partitioned=True,
    )


def downgrade() -> None:
    drop_tables("import_faults", "imports")
