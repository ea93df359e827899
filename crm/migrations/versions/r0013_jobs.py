"""Queues of jobs, letters to post, the outbox of events, and webhooks.

The queue's own tables are procrastinate's. They are made by its steps up to a named one rather than from its newest
schema, so that every database gets the same whichever release of the library is installed; a later migration of ours
takes the steps behind that one.
"""

from pathlib import Path

import procrastinate.sql
from alembic import op

from crm.migrations.tenant import create_tenant_table, drop_tables

revision = "r0013"
down_revision = "r0012"
branch_labels = None
depends_on = None

LAST_STEP = "03.04.00_50_post_add_retry_failed_job_procedure.sql"


def upgrade() -> None:
    steps = sorted(Path(procrastinate.sql.__file__).with_name("migrations").glob("*.sql"))
    for step in steps:
        if step.name <= LAST_STEP:
            # Many statements in one, and percent signs that are no parameters.
            bind = op.get_bind().execution_options(no_parameters=True)
            bind.exec_driver_sql(step.read_text())
    op.execute("""CREATE TABLE job_failures (
        job_id bigint PRIMARY KEY REFERENCES procrastinate_jobs (id) ON DELETE CASCADE,
        org_id uuid REFERENCES organisations (id) ON DELETE CASCADE,
        error text NOT NULL,
        trace jsonb NOT NULL,
        at timestamptz NOT NULL DEFAULT now())""")
    op.execute("CREATE INDEX job_failures_org ON job_failures (org_id, job_id)")
    # Found when there are many succeeded ones: the dead letters, and what a dead worker left.
    op.execute("CREATE INDEX job_states ON procrastinate_jobs (status, id) WHERE status <> 'succeeded'")
    create_tenant_table(
        "letters",
        """key text NOT NULL,
        to_address text NOT NULL,
        subject text NOT NULL,
        text text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        sent_at timestamptz,
        UNIQUE (org_id, key)""",
    )
    create_tenant_table(
        "outbox_events",
        """kind text NOT NULL,
        body jsonb NOT NULL,
        at timestamptz NOT NULL DEFAULT now(),
        handed_at timestamptz""",
        partitioned=True,
    )
    op.execute("CREATE INDEX outbox_waiting ON outbox_events (org_id, id) WHERE handed_at IS NULL")
    op.execute("CREATE INDEX outbox_handed ON outbox_events (org_id, handed_at)")
    create_tenant_table(
        "webhooks",
        """url text NOT NULL,
        kinds jsonb NOT NULL,
        sealed text NOT NULL,
        "on" boolean NOT NULL DEFAULT true,
        off_reason text NOT NULL DEFAULT '',
        created_at timestamptz NOT NULL DEFAULT now()""",
    )
    create_tenant_table(
        "webhook_deliveries",
        """webhook_id uuid NOT NULL,
        event_id uuid NOT NULL,
        kind text NOT NULL,
        body text NOT NULL,
        state text NOT NULL CHECK (state IN ('waiting', 'delivered', 'failed')),
        tries bigint NOT NULL DEFAULT 0,
        began_at timestamptz NOT NULL DEFAULT now(),
        done_at timestamptz,
        status bigint,
        fault text NOT NULL DEFAULT '',
        FOREIGN KEY (org_id, webhook_id) REFERENCES webhooks (org_id, id) ON DELETE CASCADE""",
        partitioned=True,
    )
    op.execute("CREATE INDEX webhook_deliveries_of ON webhook_deliveries (org_id, webhook_id, id DESC)")


def downgrade() -> None:
    drop_tables("webhook_deliveries", "webhooks", "outbox_events", "letters", "job_failures")
    # With their triggers; one returns a row of a table, another table needs the first.
    op.execute("""DO $$ DECLARE named regprocedure; BEGIN
        FOR named IN SELECT oid FROM pg_proc WHERE pronamespace = current_schema()::regnamespace
            AND proname LIKE 'procrastinate\\_%'
        LOOP EXECUTE 'DROP FUNCTION ' || named || ' CASCADE'; END LOOP; END $$""")
    drop_tables("procrastinate_events", "procrastinate_periodic_defers", "procrastinate_jobs", "procrastinate_workers")
    op.execute("DROP TYPE procrastinate_job_to_defer_v1, procrastinate_job_status, procrastinate_job_event_type")
