"""Scores that are worked out: who set one by hand, and which are to be worked out again.

A trigger marks leads, because leads are changed by people, by calls and by imports, and none of them may forget it.
"""

from alembic import op

revision = "r0033"
down_revision = "r0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE leads ADD COLUMN score_set_by uuid")
    op.execute("ALTER TABLE leads ADD COLUMN score_set_at timestamptz")
    op.execute("ALTER TABLE leads ADD COLUMN score_due boolean NOT NULL DEFAULT true")
    # A score of a lead that was never called was given by a person or a file, and stays. The owner sees no row while
    # row security is forced.
    for table in ("leads", "calls"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute("""UPDATE leads SET score_set_at = updated_at WHERE score <> 0 AND NOT EXISTS (
        SELECT FROM calls WHERE calls.org_id = leads.org_id AND calls.lead_id = leads.id)""")
    for table in ("leads", "calls"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute("CREATE INDEX leads_score_due ON leads (org_id, id) WHERE score_due")
    op.execute("""CREATE FUNCTION mark_score_due() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.score_due := true;
            RETURN NEW;
        END $$""")
    op.execute("""CREATE TRIGGER score_rests_on BEFORE UPDATE ON leads FOR EACH ROW
        WHEN ((OLD.custom_fields, OLD.status, OLD.do_not_call, OLD.objections)
            IS DISTINCT FROM (NEW.custom_fields, NEW.status, NEW.do_not_call, NEW.objections))
        EXECUTE FUNCTION mark_score_due()""")


def downgrade() -> None:
    op.execute("DROP TRIGGER score_rests_on ON leads")
    op.execute("DROP FUNCTION mark_score_due()")
    op.execute("DROP INDEX leads_score_due")
    for column in ("score_due", "score_set_at", "score_set_by"):
        op.execute(f"ALTER TABLE leads DROP COLUMN {column}")
