"""Queues in which callers wait for people, and who takes their calls."""

from alembic import op

from crm.migrations.tenant import TIMES, create_tenant_table, drop_tables

revision = "r0040"
down_revision = "r0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_tenant_table(
        "queues",
        f"""name text NOT NULL CHECK (name <> ''),
        key text NOT NULL,
        strategy text NOT NULL CHECK (strategy IN ('ring_all', 'longest_idle')),
        ring_s bigint NOT NULL CHECK (ring_s BETWEEN 5 AND 120),
        wait_s bigint NOT NULL CHECK (wait_s BETWEEN 5 AND 1800),
        "then" text NOT NULL CHECK ("then" IN ('agent', 'voicemail', 'hang_up')),
        greeting text NOT NULL,
        patience text NOT NULL,
        goodbye text NOT NULL,
        {TIMES},
        UNIQUE (org_id, key)""",
    )
    create_tenant_table(
        "queue_members",
        """queue_id uuid NOT NULL,
        user_id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (org_id, queue_id, user_id),
        FOREIGN KEY (org_id, queue_id) REFERENCES queues (org_id, id) ON DELETE CASCADE,
        FOREIGN KEY (org_id, user_id) REFERENCES members (org_id, user_id) ON DELETE CASCADE""",
    )
    op.execute("CREATE INDEX queue_members_user ON queue_members (org_id, user_id)")


def downgrade() -> None:
    drop_tables("queue_members", "queues")
