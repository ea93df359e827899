"""Notes of people about leads, and tasks that people make, take and do."""

from alembic import op

from crm.migrations.tenant import create_tenant_table, drop_tables

revision = "r0026"
down_revision = "r0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_tenant_table(
        "notes",
        """lead_id uuid NOT NULL,
        text text NOT NULL CHECK (text <> ''),
        author_id uuid NOT NULL,
        changed_by uuid,
        version bigint NOT NULL DEFAULT 1,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        FOREIGN KEY (org_id, lead_id) REFERENCES leads (org_id, id) ON DELETE CASCADE""",
        partitioned=True,
    )
    op.execute("CREATE INDEX notes_lead ON notes (org_id, lead_id, created_at, id)")
    op.execute("""ALTER TABLE tasks
        ADD COLUMN assignee_id uuid,
        ADD COLUMN created_by uuid,
        ADD COLUMN done_at timestamptz,
        ADD COLUMN done_by uuid,
        ADD COLUMN version bigint NOT NULL DEFAULT 1,
        ADD CONSTRAINT tasks_status CHECK (status IN ('open', 'done', 'cancelled'))""")
    # In the order in which they are to be done: what has no time of its own was due when it was made.
    op.execute("CREATE INDEX tasks_due ON tasks (org_id, status, coalesce(due_at, created_at), id)")
    op.execute("CREATE INDEX tasks_assignee ON tasks (org_id, assignee_id, status, coalesce(due_at, created_at), id)")


def downgrade() -> None:
    op.execute("DROP INDEX tasks_assignee, tasks_due")
    op.execute("""ALTER TABLE tasks DROP CONSTRAINT tasks_status, DROP COLUMN version, DROP COLUMN done_by,
        DROP COLUMN done_at, DROP COLUMN created_by, DROP COLUMN assignee_id""")
    drop_tables("notes")
