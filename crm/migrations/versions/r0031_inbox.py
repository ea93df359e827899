"""Conversations with leads, their messages, and how far each person has read.

A conversation is reached through its lead: its foreign key names organisation and lead together, so there is none with
another organisation's, and under row security nobody sees it without its organisation. Messages carry the lead of their
conversation and follow it to another one, by the database itself. They have no foreign key to the lead of their own:
adding one would wait for whoever holds the lead, with the conversation held meanwhile.
"""

from alembic import op

from crm.migrations.tenant import create_tenant_table, drop_tables

revision = "r0031"
down_revision = "r0030"
branch_labels = None
depends_on = None

CHANNELS = "'call', 'email', 'sms', 'whatsapp', 'chat'"


def upgrade() -> None:
    create_tenant_table(
        "conversations",
        f"""lead_id uuid NOT NULL,
        channel text NOT NULL CHECK (channel IN ({CHANNELS})),
        status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'closed')),
        subject text NOT NULL DEFAULT '',
        owner_id uuid,
        metadata jsonb NOT NULL DEFAULT '{{}}',
        message_count bigint NOT NULL DEFAULT 0,
        incoming_count bigint NOT NULL DEFAULT 0 CHECK (incoming_count BETWEEN 0 AND message_count),
        last_message_at timestamptz NOT NULL DEFAULT now(),
        version bigint NOT NULL DEFAULT 1,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (org_id, id, lead_id),
        FOREIGN KEY (org_id, lead_id) REFERENCES leads (org_id, id) ON DELETE CASCADE""",
        partitioned=True,
    )
    op.execute("CREATE INDEX ON conversations (org_id, last_message_at, id)")
    op.execute("CREATE INDEX ON conversations (org_id, created_at, id)")
    for column in ("lead_id", "channel", "status", "owner_id"):
        op.execute(f"CREATE INDEX ON conversations (org_id, {column}, last_message_at, id)")
    create_tenant_table(
        "messages",
        f"""conversation_id uuid NOT NULL,
        lead_id uuid NOT NULL,
        number bigint NOT NULL CHECK (number >= 1),
        incoming bigint NOT NULL CHECK (incoming BETWEEN 0 AND number),
        channel text NOT NULL CHECK (channel IN ({CHANNELS})),
        role text NOT NULL CHECK (role IN ('user', 'assistant', 'system')),
        direction text NOT NULL CHECK (direction IN ('in', 'out', 'internal')),
        status text NOT NULL CHECK (status IN ('queued', 'sent', 'delivered', 'failed')),
        fault text NOT NULL DEFAULT '',
        content text NOT NULL,
        to_address text NOT NULL DEFAULT '',
        author_id uuid,
        call_id uuid,
        metadata jsonb NOT NULL DEFAULT '{{}}',
        created_at timestamptz NOT NULL DEFAULT now(),
        sent_at timestamptz,
        -- The order in which they were made, without ties: the number is given with the conversation held.
        UNIQUE (org_id, conversation_id, number),
        FOREIGN KEY (org_id, conversation_id, lead_id) REFERENCES conversations (org_id, id, lead_id)
            ON UPDATE CASCADE ON DELETE CASCADE""",
        partitioned=True,
    )
    op.execute("CREATE INDEX messages_lead ON messages (org_id, lead_id, created_at, id)")
    op.execute("CREATE INDEX messages_call ON messages (org_id, call_id) WHERE call_id IS NOT NULL")
    create_tenant_table(
        "read_marks",
        """conversation_id uuid NOT NULL,
        user_id uuid NOT NULL,
        number bigint NOT NULL,
        incoming bigint NOT NULL,
        at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (org_id, user_id, conversation_id),
        FOREIGN KEY (org_id, conversation_id) REFERENCES conversations (org_id, id) ON DELETE CASCADE,
        FOREIGN KEY (org_id, user_id) REFERENCES members (org_id, user_id) ON DELETE CASCADE""",
        partitioned=True,
    )
    op.execute("CREATE INDEX read_marks_conversation ON read_marks (org_id, conversation_id)")


def downgrade() -> None:
    drop_tables("read_marks", "messages", "conversations")
