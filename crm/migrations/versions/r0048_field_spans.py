"""Leads are found by spans of numbers and days in their custom fields, and by any of several values.

Of each number a lead has one more word: its field and so many digits that sort as numbers do. A span is then a few
beginnings of words, which the index of words answers as it answers the rest; days sort as they are.
"""

from typing import Final

from alembic import op

from crm.migrations.tenant import ORG

revision = "r0048"
down_revision = "r0047"
branch_labels = None
depends_on = None

FIELD_CHARS: Final = 400
WORDS_MAX: Final = 8
PAGE_MAX: Final = 201
# As crm.custom_fields.asked has them.
DIGITS: Final = 27
DECIMALS: Final = 10
SEARCHED: Final = "lead_words(org_id, name, company, coalesce(email, ''), coalesce(phone, ''), notes, custom_fields)"
QUOTED: Final = r"'''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || ''''"
BEFORE: Final = (
    "UNION ALL SELECT {quoted} FROM (SELECT left(field, {chars}) AS lexeme FROM unnest(fields) AS field) AS plain"
)
# A group begins with the mark that parts its terms, and each term with whether it is whole; of an earlier release's
# process comes a plain word.
NOW: Final = r"""UNION ALL SELECT CASE WHEN ascii(field) <> 31 THEN (
                        SELECT {quoted} FROM (SELECT left(field, {chars}) AS lexeme) AS plain)
                    ELSE '(' || (SELECT string_agg({quoted} || CASE WHEN mark = '~' THEN ':*' ELSE '' END, ' | ')
                        FROM (SELECT left(term, 1) AS mark, left(substr(term, 2), {chars}) AS lexeme
                            FROM unnest(string_to_array(substr(field, 2), chr(31))) AS term) AS terms) || ')' END
                    FROM unnest(fields) AS field"""


def upgrade() -> None:
    _words(
        numbers=f"""
                IF jsonb_path_exists(custom, '$.* ? (@.type() == "number")') THEN
                    fields := fields || (SELECT array_agg(left(field.key, {FIELD_CHARS}) || '~' || lpad(
                            (1e{DIGITS - 1} + floor(field.value::numeric * 1e{DECIMALS}))::text, {DIGITS}, '0'))
                        FROM jsonb_each(custom) AS field
                        WHERE jsonb_typeof(field.value) = 'number' AND abs(field.value::numeric) < 1e16);
                END IF;"""  # noqa: S608 - constants
    )
    _search(NOW)
    # What is kept of leads with numbers lacks their words.
    _index_anew()


def downgrade() -> None:
    _search(BEFORE)
    _words()
    _index_anew()


def _words(numbers: str = "") -> None:
    op.execute(f"""CREATE OR REPLACE FUNCTION lead_words(
            org uuid, name text, company text, email text, phone text, notes text, custom jsonb) RETURNS tsvector
        LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 500 AS $$
        DECLARE
            fields text[];
            more text;
        BEGIN
            IF custom <> '{{}}' AND jsonb_typeof(custom) = 'object' THEN
                SELECT array_agg(left(field.key || '=' || field.value, {FIELD_CHARS})), string_agg(field.value, ' ')
                INTO fields, more FROM jsonb_each_text(custom) AS field WHERE field.value IS NOT NULL;{numbers}
            END IF;
            RETURN array_to_tsvector(fields || org::text) || to_tsvector('simple'::regconfig,
                {_schema()}.plain_text(concat_ws(' ', name, company, email, phone, notes, more)));
        END $$""")  # noqa: S608 - constants


def _search(fields: str) -> None:
    asked = fields.format(quoted=QUOTED, chars=FIELD_CHARS)
    op.execute(f"""CREATE OR REPLACE FUNCTION search_leads(
            words text, fields text[], of_status text, of_pipeline text, of_owner uuid,
            before_at timestamptz, before_id uuid, most integer) RETURNS SETOF uuid
        LANGUAGE plpgsql STABLE SECURITY DEFINER
        SET search_path = pg_catalog, {_schema()}, pg_temp
        SET plan_cache_mode = force_custom_plan
        AS $$
        DECLARE
            org uuid := {ORG};
            asked tsquery;
        BEGIN
            IF org IS NULL THEN
                RETURN;
            END IF;
            -- Through the parser that made the index, so that both cut words alike.
            SELECT string_agg(part, ' & ')::tsquery INTO asked FROM (
                SELECT {QUOTED} AS part FROM (SELECT org::text AS lexeme) AS own
                {asked}
                UNION ALL SELECT {QUOTED} || ':*' FROM (
                    SELECT word.lexeme FROM unnest(to_tsvector('simple', plain_text(words))) AS word
                    LIMIT {WORDS_MAX}) AS begun
            ) AS parts;
            RETURN QUERY
                SELECT leads.id FROM leads
                WHERE leads.org_id = org AND {SEARCHED} @@ asked
                    AND (of_status IS NULL OR leads.status = of_status)
                    AND (of_pipeline IS NULL OR leads.pipeline = of_pipeline)
                    AND (of_owner IS NULL OR leads.owner_id = of_owner)
                    AND (before_at IS NULL OR (leads.created_at, leads.id) < (before_at, before_id))
                ORDER BY leads.created_at DESC, leads.id DESC
                LIMIT least(most, {PAGE_MAX});
        END $$""")  # noqa: S608 - constants


def _schema() -> str:
    bind = op.get_bind()
    schema = str(bind.exec_driver_sql("SELECT current_schema()").scalar())
    return str(bind.dialect.identifier_preparer.quote(schema))


def _index_anew() -> None:
    """Make the index of each partition anew: that of the whole table cannot be, within a transaction."""
    op.execute("""DO $$
        DECLARE part regclass;
        BEGIN
            FOR part IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'leads_words'::regclass LOOP
                EXECUTE 'REINDEX INDEX ' || part;
            END LOOP;
        END $$""")
