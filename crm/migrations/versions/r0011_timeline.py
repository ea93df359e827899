"""Changes of leads, and indexes by which a lead's timeline is read in one query at any depth.

The timeline is no table: it is read from calls, tasks and changes themselves, so it cannot differ from them.
"""

from alembic import op

from crm.migrations.tenant import create_tenant_table, drop_tables

revision = "r0011"
down_revision = "r0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_tenant_table(
        "lead_changes",
        """lead_id uuid NOT NULL,
        at timestamptz NOT NULL,
        changes jsonb NOT NULL,
        FOREIGN KEY (org_id, lead_id) REFERENCES leads (org_id, id) ON DELETE CASCADE""",
        partitioned=True,
    )
    op.execute("CREATE INDEX lead_changes_lead ON lead_changes (org_id, lead_id, at, id)")
    for table in ("calls", "tasks"):
        op.execute(f"DROP INDEX {table}_lead")
        op.execute(f"CREATE INDEX {table}_lead ON {table} (org_id, lead_id, created_at, id)")
    # A trigger, because leads are changed by people, by calls and by imports, and none of them may forget it.
    # Nothing of what was said or of a person's address is kept here: it would outlive its erasure.
    op.execute("""CREATE FUNCTION note_lead_change() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            noted jsonb := '{}';
        BEGIN
            IF NEW.status <> OLD.status THEN
                noted := noted || jsonb_build_object('status', jsonb_build_array(OLD.status, NEW.status));
            END IF;
            IF NEW.pipeline <> OLD.pipeline THEN
                noted := noted || jsonb_build_object('pipeline', jsonb_build_array(OLD.pipeline, NEW.pipeline));
            END IF;
            IF NEW.score <> OLD.score THEN
                noted := noted || jsonb_build_object('score', jsonb_build_array(OLD.score, NEW.score));
            END IF;
            IF NEW.owner_id IS DISTINCT FROM OLD.owner_id THEN
                noted := noted || jsonb_build_object('owner_id', jsonb_build_array(OLD.owner_id, NEW.owner_id));
            END IF;
            IF NEW.do_not_call <> OLD.do_not_call THEN
                noted := noted || jsonb_build_object(
                    'do_not_call', jsonb_build_array(OLD.do_not_call, NEW.do_not_call));
            END IF;
            -- The clock and not the transaction's time: two changes in one transaction have an order.
            INSERT INTO lead_changes (org_id, id, lead_id, at, changes)
                VALUES (NEW.org_id, gen_random_uuid(), NEW.id, clock_timestamp(), noted);
            RETURN NULL;
        END $$""")
    op.execute("""CREATE TRIGGER lead_changed AFTER UPDATE ON leads FOR EACH ROW
        WHEN ((OLD.status, OLD.pipeline, OLD.score, OLD.owner_id, OLD.do_not_call)
            IS DISTINCT FROM (NEW.status, NEW.pipeline, NEW.score, NEW.owner_id, NEW.do_not_call))
        EXECUTE FUNCTION note_lead_change()""")


def downgrade() -> None:
    op.execute("DROP TRIGGER lead_changed ON leads")
    op.execute("DROP FUNCTION note_lead_change()")
    for table in ("calls", "tasks"):
        op.execute(f"DROP INDEX {table}_lead")
        op.execute(f"CREATE INDEX {table}_lead ON {table} (org_id, lead_id)")
    drop_tables("lead_changes")
