"""One lead of an organisation has a mail address. Leads that share one are kept: all but the oldest are marked, and
suggested to be merged with it.

The mark is the lead's own id, so that one unique index lets marked leads be and still finds every lead by its address.
"""

from alembic import op

revision = "r0038"
down_revision = "r0037"
branch_labels = None
depends_on = None

# Read and written whole by the owner, whom forced row security shows nothing.
WRITTEN = ("leads", "merge_suggestions")


def upgrade() -> None:
    op.execute("ALTER TABLE leads ADD COLUMN email_twin uuid")
    for table in WRITTEN:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE leads SET email = NULL WHERE email = ''")
    op.execute("""CREATE TEMPORARY TABLE doubled ON COMMIT DROP AS
        SELECT org_id, id, first_value(id) OVER same AS oldest FROM leads WHERE email IS NOT NULL
        WINDOW same AS (PARTITION BY org_id, email ORDER BY created_at, id)""")
    op.execute("DELETE FROM doubled WHERE id = oldest")
    op.execute("UPDATE leads SET email_twin = d.id FROM doubled d WHERE leads.org_id = d.org_id AND leads.id = d.id")
    # As crm.duplicates.likeness counts the same address: more of a name that is the same too. Dismissed ones stay so.
    op.execute("""INSERT INTO merge_suggestions (org_id, id, lead_a, lead_b, score, reasons)
        SELECT d.org_id, gen_random_uuid(), least(d.id, d.oldest), greatest(d.id, d.oldest),
            CASE WHEN lower(one.name) = lower(other.name) THEN 100 ELSE 70 END, '["email"]'
        FROM doubled d
        JOIN leads one ON one.org_id = d.org_id AND one.id = d.id
        JOIN leads other ON other.org_id = d.org_id AND other.id = d.oldest
        ON CONFLICT (org_id, lead_a, lead_b) DO NOTHING""")
    for table in WRITTEN:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute("DROP INDEX leads_email")
    op.execute("""CREATE UNIQUE INDEX leads_email ON leads (org_id, email, email_twin) NULLS NOT DISTINCT
        WHERE email IS NOT NULL""")


def downgrade() -> None:
    op.execute("DROP INDEX leads_email")
    op.execute("CREATE INDEX leads_email ON leads (org_id, email)")
    op.execute("ALTER TABLE leads DROP COLUMN email_twin")
