"""Pipelines and their stages as rows, made of what leads say, and the board's index."""

from alembic import op

from crm.migrations.tenant import TIMES, create_tenant_table, drop_tables

revision = "r0032"
down_revision = "r0031"
branch_labels = None
depends_on = None

# As crm.pipelines.defaults has them; a release's migration stays what it was.
STAGES = (
    ("New", "novo", "open"),
    ("Try again later", "retry_later", "open"),
    ("Call back", "callback_scheduled", "open"),
    ("Meeting booked", "meeting_booked", "open"),
    ("Won", "won", "won"),
    ("Not interested", "not_interested", "lost"),
    ("Do not call", "do_not_call", "lost"),
)
# Read whole by the owner, whom forced row security shows nothing.
READ = ("leads", "organisations", "pipelines", "stages")


def upgrade() -> None:
    create_tenant_table(
        "pipelines",
        f"""name text NOT NULL CHECK (name <> ''),
        slug text NOT NULL,
        position bigint NOT NULL,
        is_default boolean NOT NULL DEFAULT false,
        {TIMES},
        UNIQUE (org_id, slug)""",
    )
    op.execute("CREATE UNIQUE INDEX pipelines_default ON pipelines (org_id) WHERE is_default")
    create_tenant_table(
        "stages",
        f"""pipeline_id uuid NOT NULL,
        name text NOT NULL CHECK (name <> ''),
        slug text NOT NULL,
        kind text NOT NULL CHECK (kind IN ('open', 'won', 'lost')),
        position bigint NOT NULL,
        {TIMES},
        UNIQUE (org_id, pipeline_id, slug),
        FOREIGN KEY (org_id, pipeline_id) REFERENCES pipelines (org_id, id) ON DELETE CASCADE""",
    )
    op.execute("CREATE INDEX leads_board ON leads (org_id, pipeline, status, created_at, id)")
    _fill()


def downgrade() -> None:
    op.execute("DROP INDEX leads_board")
    drop_tables("stages", "pipelines")


def _fill() -> None:
    """Give every organisation the default pipeline, and a row for each pipeline and stage that a lead of it names."""
    for table in READ:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute("CREATE TEMPORARY TABLE named ON COMMIT DROP AS SELECT DISTINCT org_id, pipeline, status FROM leads")
    op.execute("""INSERT INTO pipelines (org_id, id, name, slug, position, is_default)
        SELECT id, gen_random_uuid(), 'New leads', 'novos-leads', 0, true FROM organisations""")
    op.execute("""INSERT INTO pipelines (org_id, id, name, slug, position)
        SELECT org_id, gen_random_uuid(), coalesce(nullif(pipeline, ''), '-'), pipeline,
            row_number() OVER (PARTITION BY org_id ORDER BY pipeline)
        FROM (SELECT DISTINCT org_id, pipeline FROM named WHERE pipeline <> 'novos-leads') AS other""")
    rows = ", ".join(f"({place}, '{name}', '{slug}', '{kind}')" for place, (name, slug, kind) in enumerate(STAGES))
    op.execute(f"""INSERT INTO stages (org_id, id, pipeline_id, name, slug, kind, position)
        SELECT p.org_id, gen_random_uuid(), p.id, s.name, s.slug, s.kind, s.place
        FROM pipelines p CROSS JOIN (VALUES {rows}) AS s (place, name, slug, kind)""")  # noqa: S608 - constants
    op.execute(f"""INSERT INTO stages (org_id, id, pipeline_id, name, slug, kind, position)
        SELECT p.org_id, gen_random_uuid(), p.id, coalesce(nullif(n.status, ''), '-'), n.status, 'open',
            {len(STAGES) - 1} + row_number() OVER (PARTITION BY p.org_id, p.id ORDER BY n.status)
        FROM named n JOIN pipelines p ON p.org_id = n.org_id AND p.slug = n.pipeline
        ON CONFLICT (org_id, pipeline_id, slug) DO NOTHING""")  # noqa: S608 - a number of ours
    for table in READ:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
