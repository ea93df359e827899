"""Numbers at which organisations are rung up, and calls that came in.

A number is found without knowing whose it is: who answers the carrier names it to the transaction, and sees that row.
"""

from alembic import op

from crm.migrations.tenant import TIMES, create_tenant_table, drop_tables

revision = "r0041"
down_revision = "r0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_tenant_table(
        "phone_numbers",
        f"""number text NOT NULL CHECK (number ~ '^[+][1-9][0-9]{{6,14}}$'),
        label text NOT NULL DEFAULT '',
        route text NOT NULL DEFAULT 'agent' CHECK (route IN ('agent', 'rep', 'queue', 'voicemail')),
        agent_id uuid,
        user_id uuid,
        queue_id uuid,
        greeting text NOT NULL DEFAULT '',
        voicemail boolean NOT NULL DEFAULT true,
        enabled boolean NOT NULL DEFAULT true,
        {TIMES},
        FOREIGN KEY (org_id, agent_id) REFERENCES agents (org_id, id),
        FOREIGN KEY (org_id, user_id) REFERENCES members (org_id, user_id) ON DELETE SET NULL (user_id),
        FOREIGN KEY (org_id, queue_id) REFERENCES queues (org_id, id) ON DELETE SET NULL (queue_id)""",
    )
    # The one key that does not begin with the organisation: a number rings in one place in the world.
    op.execute("CREATE UNIQUE INDEX phone_numbers_number ON phone_numbers (number)")
    op.execute("""CREATE POLICY rung ON phone_numbers FOR SELECT
        USING (number = nullif(current_setting('app.number', true), ''))""")
    op.execute("""ALTER TABLE calls ADD COLUMN direction text NOT NULL DEFAULT 'outbound'
        CHECK (direction IN ('outbound', 'inbound'))""")
    op.execute("ALTER TABLE calls ADD COLUMN our_number text NOT NULL DEFAULT ''")
    # However often the carrier asks about a call that comes in, it is one.
    op.execute("CREATE UNIQUE INDEX calls_incoming ON calls (org_id, carrier_call_id) WHERE direction = 'inbound'")


def downgrade() -> None:
    op.execute("DROP INDEX calls_incoming")
    op.execute("ALTER TABLE calls DROP COLUMN our_number")
    op.execute("ALTER TABLE calls DROP COLUMN direction")
    drop_tables("phone_numbers")
