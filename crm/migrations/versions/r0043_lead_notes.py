"""The text of notes that stood on a lead becomes a row of its notes, and `leads.notes` what all its rows say.

Calls, imports and people wrote into one text, which lost its beginning once it was full, and outlived the erasure of
the call in which it was said. Rows have a time, an author or a call, and an end. The column stays, kept by the
database: as text it is read by the API, found by the search, exported, and told to agents.
"""

from alembic import op

revision = "r0043"
down_revision = "r0042"
branch_labels = None
depends_on = None

# Of the text: the newest notes, joined.
NOTES_MAX = 100
CHARS_MAX = 20_000
# Read and written whole by the owner, whom forced row security shows nothing.
WRITTEN = ("organisations", "leads", "notes")


def upgrade() -> None:
    op.execute("ALTER TABLE notes ALTER COLUMN author_id DROP NOT NULL, ADD COLUMN call_id uuid")
    op.execute(f"""CREATE FUNCTION lead_notes(of_org uuid, of_lead uuid) RETURNS text LANGUAGE sql STABLE AS $$
        SELECT coalesce(right(string_agg(told.text, E'\\n' ORDER BY told.created_at, told.id), {CHARS_MAX}), '')
        FROM (SELECT id, text, created_at FROM notes WHERE org_id = of_org AND lead_id = of_lead
            ORDER BY created_at DESC, id DESC LIMIT {NOTES_MAX}) AS told $$""")  # noqa: S608 - constants
    op.execute("""CREATE FUNCTION keep_lead_notes() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            said text;
        BEGIN
            IF TG_OP <> 'DELETE' THEN
                said := lead_notes(NEW.org_id, NEW.lead_id);
                UPDATE leads SET notes = said WHERE org_id = NEW.org_id AND id = NEW.lead_id AND notes <> said;
            END IF;
            IF TG_OP = 'DELETE' OR TG_OP = 'UPDATE' AND OLD.lead_id <> NEW.lead_id THEN
                said := lead_notes(OLD.org_id, OLD.lead_id);
                UPDATE leads SET notes = said WHERE org_id = OLD.org_id AND id = OLD.lead_id AND notes <> said;
            END IF;
            RETURN NULL;
        END $$""")
    _rows_of_texts()
    # Whoever writes many rows may write the leads' texts with them (app.notes_kept, see the unit of work).
    for name, event in (("added", "INSERT"), ("changed", "UPDATE OF text, lead_id"), ("removed", "DELETE")):
        op.execute(f"""CREATE TRIGGER lead_notes_{name} AFTER {event} ON notes FOR EACH ROW
            WHEN (current_setting('app.notes_kept', true) IS DISTINCT FROM 'on')
            EXECUTE FUNCTION keep_lead_notes()""")


def downgrade() -> None:
    for name in ("removed", "changed", "added"):
        op.execute(f"DROP TRIGGER lead_notes_{name} ON notes")
    op.execute("DROP FUNCTION keep_lead_notes()")
    _let_owner_see(seen=True)
    # What nobody wrote as a row goes back into the text, in one piece.
    _each_organisation("""UPDATE leads SET notes = coalesce((
            SELECT string_agg(text, E'\\n' ORDER BY created_at, id) FROM notes
            WHERE org_id = leads.org_id AND lead_id = leads.id AND author_id IS NULL), '')
        WHERE org_id = org AND notes <> '';
        DELETE FROM notes WHERE org_id = org AND author_id IS NULL;""")
    _let_owner_see(seen=False)
    op.execute("DROP FUNCTION lead_notes(uuid, uuid)")
    op.execute("ALTER TABLE notes DROP COLUMN call_id, ALTER COLUMN author_id SET NOT NULL")


def _rows_of_texts() -> None:
    _let_owner_see(seen=True)
    # As old as its lead: nobody knows when it was written, and it stands before what was written as notes.
    _each_organisation(r"""INSERT INTO notes (org_id, id, lead_id, text, author_id, created_at, updated_at)
            SELECT org_id, gen_random_uuid(), id, notes, NULL, created_at, created_at
            FROM leads WHERE org_id = org AND notes ~ '\S';
        UPDATE leads SET notes = '' WHERE org_id = org AND notes !~ '\S' AND notes <> '';
        UPDATE leads SET notes = lead_notes(org, id) WHERE org_id = org
            AND id IN (SELECT lead_id FROM notes WHERE org_id = org AND author_id IS NOT NULL);""")
    _let_owner_see(seen=False)


def _each_organisation(statements: str) -> None:
    """Run statements for one organisation, `org`, after the other: each reads one part of the tables only."""
    op.execute(f"""DO $$
        DECLARE org uuid;
        BEGIN
            FOR org IN SELECT id FROM organisations LOOP
                {statements}
            END LOOP;
        END $$""")  # noqa: S608 - constants


def _let_owner_see(*, seen: bool) -> None:
    for table in WRITTEN:
        op.execute(f"ALTER TABLE {table} {'NO FORCE' if seen else 'FORCE'} ROW LEVEL SECURITY")
