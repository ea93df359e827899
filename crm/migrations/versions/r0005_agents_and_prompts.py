"""Agents as people set them up, prompts in versions, and with which of both a call began."""

from typing import Final

from alembic import op

revision = "r0005"
down_revision = "r0004"
branch_labels = None
depends_on = None

ORG: Final = "nullif(current_setting('app.org', true), '')::uuid"
TENANT: Final = "org_id uuid NOT NULL REFERENCES organisations (id) ON DELETE CASCADE, id uuid NOT NULL"
TABLES: Final = ("prompts", "prompt_versions", "prompt_activations")


def upgrade() -> None:
    op.execute(f"""CREATE TABLE prompts (
        {TENANT},
        slug text NOT NULL,
        description text NOT NULL DEFAULT '',
        active text NOT NULL,
        activation_id uuid NOT NULL,
        shares jsonb NOT NULL DEFAULT '{{}}',
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (org_id, id),
        UNIQUE (org_id, slug))""")
    op.execute(f"""CREATE TABLE prompt_versions (
        {TENANT},
        prompt_id uuid NOT NULL,
        major bigint NOT NULL CHECK (major >= 0),
        minor bigint NOT NULL CHECK (minor >= 0),
        template text NOT NULL,
        variables jsonb NOT NULL DEFAULT '{{}}',
        note text NOT NULL DEFAULT '',
        created_by uuid,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (org_id, id),
        UNIQUE (org_id, prompt_id, major, minor),
        FOREIGN KEY (org_id, prompt_id) REFERENCES prompts (org_id, id) ON DELETE CASCADE)""")
    op.execute(f"""CREATE TABLE prompt_activations (
        {TENANT},
        prompt_id uuid NOT NULL,
        version text NOT NULL,
        previous_id uuid,
        kind text NOT NULL CHECK (kind IN ('activation', 'rollback')),
        at timestamptz NOT NULL DEFAULT now(),
        by uuid,
        PRIMARY KEY (org_id, id),
        FOREIGN KEY (org_id, prompt_id) REFERENCES prompts (org_id, id) ON DELETE CASCADE)""")
    op.execute("CREATE INDEX prompt_activations_prompt ON prompt_activations (org_id, prompt_id, at)")
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} USING (org_id = {ORG}) WITH CHECK (org_id = {ORG})")
    op.execute("""ALTER TABLE agents
        ADD COLUMN stt text NOT NULL DEFAULT 'embedded',
        ADD COLUMN model text NOT NULL DEFAULT '',
        ADD COLUMN temperature double precision NOT NULL DEFAULT 0.7 CHECK (temperature BETWEEN 0 AND 2),
        ADD COLUMN max_tokens bigint NOT NULL DEFAULT 1000 CHECK (max_tokens > 0),
        ADD COLUMN tools jsonb NOT NULL DEFAULT '["note_fact", "end_call"]',
        ADD COLUMN prompt_id uuid,
        ALTER COLUMN prompt_version SET DEFAULT 'latest',
        ADD FOREIGN KEY (org_id, prompt_id) REFERENCES prompts (org_id, id)""")
    op.execute("""ALTER TABLE calls
        ADD COLUMN agent jsonb,
        ADD COLUMN prompt_id uuid,
        ADD COLUMN prompt_version text NOT NULL DEFAULT '',
        ADD COLUMN prompt_follows boolean NOT NULL DEFAULT false""")
    op.execute("CREATE INDEX calls_live_of_prompt ON calls (org_id, prompt_id) WHERE prompt_follows AND NOT closed")
    op.execute("ALTER TABLE turns ADD COLUMN prompt_version text NOT NULL DEFAULT ''")


def downgrade() -> None:
    op.execute("ALTER TABLE turns DROP COLUMN prompt_version")
    op.execute("""ALTER TABLE calls
        DROP COLUMN agent, DROP COLUMN prompt_id, DROP COLUMN prompt_version, DROP COLUMN prompt_follows""")
    op.execute("""ALTER TABLE agents
        DROP COLUMN stt, DROP COLUMN model, DROP COLUMN temperature, DROP COLUMN max_tokens, DROP COLUMN tools,
        DROP COLUMN prompt_id, ALTER COLUMN prompt_version SET DEFAULT '1'""")
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
