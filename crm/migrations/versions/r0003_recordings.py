"""Recordings: how long they are kept, their organisation's key, and what was erased.

`erasures` is the record of every erasure and, while it stands, what keeps a late upload from coming back. It
outlives the call it speaks of. `recording_duties` says to the worker, which sees no tenant, where to look.
"""

from typing import Final

from alembic import op

revision = "r0003"
down_revision = "r0002"
branch_labels = None
depends_on = None

ORG: Final = "nullif(current_setting('app.org', true), '')::uuid"


def upgrade() -> None:
    op.execute("""ALTER TABLE organisations
        ADD COLUMN recording_retention_days bigint CHECK (recording_retention_days BETWEEN 1 AND 36500),
        ADD COLUMN recording_key text NOT NULL DEFAULT ''""")
    op.execute("""ALTER TABLE calls
        ADD COLUMN recording_erased_at timestamptz,
        ADD COLUMN content_erased_at timestamptz""")
    op.execute("CREATE INDEX calls_recorded ON calls (org_id, ended_at) WHERE recording IS NOT NULL")
    op.execute("""CREATE TABLE erasures (
        org_id uuid NOT NULL REFERENCES organisations (id) ON DELETE CASCADE,
        id uuid NOT NULL,
        call_id uuid NOT NULL,
        scope text NOT NULL CHECK (scope IN ('recording', 'content')),
        reason text NOT NULL CHECK (reason IN ('request', 'retention')),
        asked_by uuid,
        object_key text NOT NULL DEFAULT '',
        at timestamptz NOT NULL DEFAULT now(),
        pending boolean NOT NULL DEFAULT true,
        uploads bigint NOT NULL DEFAULT 0,
        removed_at timestamptz,
        removed_objects bigint NOT NULL DEFAULT 0,
        PRIMARY KEY (org_id, id),
        UNIQUE (org_id, call_id, scope))""")
    op.execute("CREATE INDEX erasures_pending ON erasures (org_id, at) WHERE pending")
    op.execute("ALTER TABLE erasures ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE erasures FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON erasures USING (org_id = {ORG}) WITH CHECK (org_id = {ORG})")
    op.execute("""CREATE TABLE recording_duties (
        org_id uuid PRIMARY KEY REFERENCES organisations (id) ON DELETE CASCADE,
        due_at timestamptz NOT NULL)""")
    op.execute("CREATE INDEX recording_duties_due ON recording_duties (due_at)")


def downgrade() -> None:
    op.execute("DROP TABLE recording_duties")
    op.execute("DROP TABLE erasures")
    op.execute("DROP INDEX calls_recorded")
    op.execute("ALTER TABLE calls DROP COLUMN recording_erased_at, DROP COLUMN content_erased_at")
    op.execute("ALTER TABLE organisations DROP COLUMN recording_retention_days, DROP COLUMN recording_key")
