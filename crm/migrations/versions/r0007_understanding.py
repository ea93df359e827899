"""What was understood of calls: moods of turns, objections, notes written after a call; and votes on generations."""

from typing import Final

from alembic import op

revision = "r0007"
down_revision = "r0006"
branch_labels = None
depends_on = None

ORG: Final = "nullif(current_setting('app.org', true), '')::uuid"
TENANT: Final = "org_id uuid NOT NULL REFERENCES organisations (id) ON DELETE CASCADE, id uuid NOT NULL"
KINDS: Final = "('price', 'competitor', 'no_interest', 'timing', 'authority', 'trust', 'other')"
CORRECTED: Final = "('price', 'competitor', 'no_interest', 'timing', 'authority', 'trust', 'other', 'none')"
TABLES: Final = ("objections", "call_notes", "generation_votes")


def upgrade() -> None:
    op.execute("""ALTER TABLE turns
        ADD COLUMN mood text CHECK (mood IN ('negative', 'neutral', 'positive')),
        ADD COLUMN sentiment double precision CHECK (sentiment BETWEEN -1 AND 1),
        ADD COLUMN sentiment_confidence double precision CHECK (sentiment_confidence BETWEEN 0 AND 1)""")
    op.execute("ALTER TABLE calls ADD COLUMN angry_at timestamptz")
    op.execute("ALTER TABLE agents ADD COLUMN extract jsonb")
    _objections()
    _notes()
    _votes()
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} USING (org_id = {ORG}) WITH CHECK (org_id = {ORG})")


def downgrade() -> None:
    for table in ("note_duties", *reversed(TABLES)):
        op.execute(f"DROP TABLE {table}")
    op.execute("ALTER TABLE agents DROP COLUMN extract")
    op.execute("ALTER TABLE calls DROP COLUMN angry_at")
    op.execute("ALTER TABLE turns DROP COLUMN mood, DROP COLUMN sentiment, DROP COLUMN sentiment_confidence")


def _objections() -> None:
    op.execute(f"""CREATE TABLE objections (
        {TENANT},
        call_id uuid NOT NULL,
        lead_id uuid NOT NULL,
        epoch bigint NOT NULL,
        turn bigint NOT NULL,
        kind text NOT NULL CHECK (kind IN {KINDS}),
        quote text,
        language text NOT NULL DEFAULT '',
        source text NOT NULL DEFAULT '',
        at timestamptz NOT NULL,
        corrected_kind text CHECK (corrected_kind IN {CORRECTED}),
        corrected_by uuid,
        corrected_at timestamptz,
        PRIMARY KEY (org_id, id),
        UNIQUE (org_id, call_id, epoch, turn, kind),
        FOREIGN KEY (org_id, call_id) REFERENCES calls (org_id, id) ON DELETE CASCADE,
        FOREIGN KEY (org_id, lead_id) REFERENCES leads (org_id, id) ON DELETE CASCADE)""")
    op.execute(
        "CREATE INDEX objections_corrected ON objections (org_id, corrected_at) WHERE corrected_kind IS NOT NULL"
    )
    op.execute("CREATE INDEX objections_at ON objections (org_id, at)")


def _notes() -> None:
    op.execute(f"""CREATE TABLE call_notes (
        {TENANT},
        call_id uuid NOT NULL,
        status text NOT NULL CHECK (status IN ('pending', 'waiting', 'written', 'failed')),
        attempts bigint NOT NULL DEFAULT 0,
        reason text NOT NULL DEFAULT '',
        source text NOT NULL DEFAULT '' CHECK (source IN ('', 'model', 'script', 'person')),
        model text NOT NULL DEFAULT '',
        summary text NOT NULL DEFAULT '',
        fields jsonb NOT NULL DEFAULT '{{}}',
        suggested jsonb NOT NULL DEFAULT '{{}}',
        prompt_tokens bigint NOT NULL DEFAULT 0,
        completion_tokens bigint NOT NULL DEFAULT 0,
        cost_milli bigint,
        written_by uuid,
        written_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (org_id, id),
        UNIQUE (org_id, call_id),
        FOREIGN KEY (org_id, call_id) REFERENCES calls (org_id, id) ON DELETE CASCADE)""")
    op.execute("""CREATE TABLE note_duties (
        call_id uuid PRIMARY KEY,
        org_id uuid NOT NULL REFERENCES organisations (id) ON DELETE CASCADE,
        due_at timestamptz NOT NULL)""")
    op.execute("CREATE INDEX note_duties_due ON note_duties (due_at)")


def _votes() -> None:
    op.execute(f"""CREATE TABLE generation_votes (
        {TENANT},
        kind text NOT NULL CHECK (kind IN ('turn', 'notes')),
        generation_id uuid NOT NULL,
        call_id uuid NOT NULL,
        user_id uuid NOT NULL,
        vote bigint NOT NULL CHECK (vote IN (-1, 1)),
        comment text NOT NULL DEFAULT '',
        prompt_hash text NOT NULL,
        answer_hash text NOT NULL,
        model text NOT NULL DEFAULT '',
        prompt_version text NOT NULL DEFAULT '',
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (org_id, id),
        UNIQUE (org_id, kind, generation_id, user_id),
        FOREIGN KEY (org_id, call_id) REFERENCES calls (org_id, id) ON DELETE CASCADE)""")
    op.execute("CREATE INDEX generation_votes_user ON generation_votes (org_id, user_id, created_at)")
