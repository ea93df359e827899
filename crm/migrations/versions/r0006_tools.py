"""What agents do in calls: runs of tools by their key, appointments, and when a call-back is due."""

from typing import Final

from alembic import op

revision = "r0006"
down_revision = "r0005"
branch_labels = None
depends_on = None

ORG: Final = "nullif(current_setting('app.org', true), '')::uuid"
TENANT: Final = "org_id uuid NOT NULL REFERENCES organisations (id) ON DELETE CASCADE, id uuid NOT NULL"
TABLES: Final = ("tool_runs", "appointments")


def upgrade() -> None:
    op.execute(f"""CREATE TABLE tool_runs (
        {TENANT},
        call_id uuid NOT NULL,
        tool_call_id text NOT NULL,
        name text NOT NULL,
        fingerprint text NOT NULL,
        answer jsonb NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (org_id, id),
        UNIQUE (org_id, call_id, tool_call_id),
        FOREIGN KEY (org_id, call_id) REFERENCES calls (org_id, id) ON DELETE CASCADE)""")
    op.execute(f"""CREATE TABLE appointments (
        {TENANT},
        lead_id uuid NOT NULL,
        call_id uuid,
        starts_at timestamptz NOT NULL,
        minutes bigint NOT NULL CHECK (minutes > 0),
        title text NOT NULL DEFAULT '',
        status text NOT NULL DEFAULT 'booked' CHECK (status IN ('booked', 'cancelled')),
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (org_id, id),
        FOREIGN KEY (org_id, lead_id) REFERENCES leads (org_id, id) ON DELETE CASCADE)""")
    op.execute("CREATE INDEX appointments_booked ON appointments (org_id, starts_at) WHERE status = 'booked'")
    op.execute("CREATE INDEX appointments_lead ON appointments (org_id, lead_id)")
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} USING (org_id = {ORG}) WITH CHECK (org_id = {ORG})")
    op.execute("ALTER TABLE tasks ADD COLUMN due_at timestamptz")


def downgrade() -> None:
    op.execute("ALTER TABLE tasks DROP COLUMN due_at")
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
