r"""The words of a lead for a third of the time, and their index in larger strokes.

Half of what a row of an import costs was the index of words. `translate` compares each character with each separator,
in a regular expression they are one class; what is ASCII has no accents to take off. And new entries wait in a list of
half a megabyte, some 800 leads, and are put into the index together: words that many share are then found once. A
search reads that list, too, which takes about a millisecond when it is full.

The functions give the same words as before, so the index stays as it is, and going back leaves them.
"""

from typing import Final

from alembic import op

revision = "r0034"
down_revision = "r0033"
branch_labels = None
depends_on = None

COMBINING: Final = r"[\u0300-\u036f]+"
# What separates words besides blanks, as a class of a regular expression.
SEPARATORS: Final = r"""[-@._+/\\,;:()\[\]{}<>=&#%*!?|"~$^`]+"""
FIELD_CHARS: Final = 400
PENDING_KB: Final = 512


def upgrade() -> None:
    op.execute(f"""CREATE OR REPLACE FUNCTION plain_text(value text) RETURNS text
        LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
        RETURN regexp_replace(
            CASE WHEN octet_length(value) = char_length(value) THEN value
                ELSE regexp_replace(normalize(value, NFKD), '{COMBINING}', '', 'g') END,
            '{SEPARATORS}', ' ', 'g')""")
    schema = op.get_bind().dialect.identifier_preparer.quote(
        str(op.get_bind().exec_driver_sql("SELECT current_schema()").scalar())
    )
    # Postgres runs it with an empty search path when it analyses the table or makes the index anew.
    op.execute(f"""CREATE OR REPLACE FUNCTION lead_words(
            org uuid, name text, company text, email text, phone text, notes text, custom jsonb) RETURNS tsvector
        LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 500 AS $$
        DECLARE
            fields text[];
            more text;
        BEGIN
            IF custom <> '{{}}' AND jsonb_typeof(custom) = 'object' THEN
                SELECT array_agg(left(field.key || '=' || field.value, {FIELD_CHARS})), string_agg(field.value, ' ')
                INTO fields, more FROM jsonb_each_text(custom) AS field WHERE field.value IS NOT NULL;
            END IF;
            RETURN array_to_tsvector(fields || org::text) || to_tsvector('simple'::regconfig,
                {schema}.plain_text(concat_ws(' ', name, company, email, phone, notes, more)));
        END $$""")  # noqa: S608 - constants
    _each_index(f"SET (fastupdate = on, gin_pending_list_limit = {PENDING_KB})")


def downgrade() -> None:
    _each_index("RESET (gin_pending_list_limit)")
    _each_index("SET (fastupdate = off)")


def _each_index(change: str) -> None:
    """Change the index of each partition: that of the whole table takes no settings."""
    op.execute(f"""DO $$
        DECLARE part regclass;
        BEGIN
            FOR part IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'leads_words'::regclass LOOP
                EXECUTE 'ALTER INDEX ' || part || ' {change}';
            END LOOP;
        END $$""")  # noqa: S608 - constants
