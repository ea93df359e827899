"""The search of leads, what their lists are sorted by, and versions.

Row security hides an index from operators that are not leakproof, full-text search among them: the planner must not
let them see rows of others. So the search is one function that runs as the owner and looks at the transaction's
organisation only; it is listed in crm.tenancy and held by tests.
"""

from typing import Final

from alembic import op

from crm.migrations.tenant import ORG, create_tenant_table, drop_tables

revision = "r0012"
down_revision = "r0011"
branch_labels = None
depends_on = None

# What separates words besides blanks: without this the parser would keep an address or a number's groups as one.
SEPARATORS: Final = '@._-+/\\,;:()[]{}<>=&#%*!?|"~$^`'
COMBINING: Final = r"[\u0300-\u036f]+"
# How many characters of a custom field take part in the search by field; an index entry holds 2046 bytes.
FIELD_CHARS: Final = 400
WORDS_MAX: Final = 8
PAGE_MAX: Final = 201
SEARCHED: Final = "lead_words(org_id, name, company, coalesce(email, ''), coalesce(phone, ''), notes, custom_fields)"
# A lexeme as tsquery reads it: both quote and backslash doubled.
QUOTED: Final = r"'''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || ''''"
ARGUMENTS: Final = "text, text[], text, text, uuid, timestamptz, uuid, integer"


def upgrade() -> None:
    op.execute("ALTER TABLE leads ADD COLUMN version bigint NOT NULL DEFAULT 1")
    _lower_addresses()
    _lists()
    _words()
    _search()
    # Of the address, not the lead: what was refused stays so when the lead goes.
    create_tenant_table(
        "consents",
        """channel text NOT NULL CHECK (channel IN ('phone', 'sms', 'whatsapp', 'email')), address text NOT NULL,
        said text NOT NULL CHECK (said IN ('granted', 'refused')), said_at timestamptz NOT NULL,
        source text NOT NULL, evidence text NOT NULL CHECK (evidence <> ''),
        lead_id uuid, call_id uuid, recorded_by uuid, created_at timestamptz NOT NULL DEFAULT now()""",
    )
    op.execute("CREATE INDEX consents_address ON consents (org_id, address, channel, said_at, id)")
    op.execute("CREATE INDEX consents_lead ON consents (org_id, lead_id)")


def downgrade() -> None:
    drop_tables("consents")
    op.execute(f"DROP FUNCTION search_leads({ARGUMENTS})")
    op.execute("DROP POLICY searching ON leads")
    op.execute("DROP INDEX leads_words")
    op.execute("DROP FUNCTION lead_words(uuid, text, text, text, text, text, jsonb)")
    op.execute("DROP FUNCTION plain_text(text)")
    for index in ("leads_updated", "leads_name", "leads_score", "leads_owner", "leads_status_sort"):
        op.execute(f"DROP INDEX {index}")
    for column in ("status", "pipeline"):
        op.execute(f"DROP INDEX leads_{column}")
        op.execute(f"CREATE INDEX leads_{column} ON leads (org_id, {column})")
    op.execute("ALTER TABLE leads DROP COLUMN version")


def _lower_addresses() -> None:
    """Mail addresses are kept in lower case from now on. The owner sees no row while row security is forced."""
    op.execute("ALTER TABLE leads NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE leads SET email = lower(btrim(email)) WHERE email <> lower(btrim(email))")
    op.execute("ALTER TABLE leads FORCE ROW LEVEL SECURITY")


def _lists() -> None:
    """One index for each order of the list, and for each filter in the order that is asked for most."""
    op.execute("CREATE INDEX leads_updated ON leads (org_id, updated_at, id)")
    op.execute("CREATE INDEX leads_name ON leads (org_id, name, id)")
    op.execute("CREATE INDEX leads_score ON leads (org_id, score, id)")
    op.execute("CREATE INDEX leads_status_sort ON leads (org_id, status, id)")
    op.execute("CREATE INDEX leads_owner ON leads (org_id, owner_id, created_at, id)")
    for column in ("status", "pipeline"):
        op.execute(f"DROP INDEX leads_{column}")
        op.execute(f"CREATE INDEX leads_{column} ON leads (org_id, {column}, created_at, id)")


def _words() -> None:
    """Index what is searched: words without accents, custom fields as `key=value`, and the organisation itself.

    The organisation is a word of each lead, so that its leads are found by the same index and another one's many
    leads of the same name cost nothing.
    """
    separators = SEPARATORS.replace("'", "''")
    op.execute(f"""CREATE FUNCTION plain_text(value text) RETURNS text
        LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
        RETURN translate(
            regexp_replace(normalize(value, NFKD), '{COMBINING}', '', 'g'),
            '{separators}', repeat(' ', {len(SEPARATORS)}))""")
    # The cost keeps the planner from working it out for each row of a long list.
    op.execute(f"""CREATE FUNCTION lead_words(
            org uuid, name text, company text, email text, phone text, notes text, custom jsonb) RETURNS tsvector
        LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 500
        BEGIN ATOMIC
            SELECT array_to_tsvector(array_agg(left(field.key || '=' || field.value, {FIELD_CHARS}))
                    FILTER (WHERE field.value IS NOT NULL) || org::text)
                || to_tsvector('simple'::regconfig, plain_text(concat_ws(
                    ' ', name, company, email, phone, notes, string_agg(field.value, ' '))))
            FROM (SELECT 1) AS once LEFT JOIN jsonb_each_text(
                CASE WHEN jsonb_typeof(custom) = 'object' THEN custom ELSE '{{}}'::jsonb END) AS field ON true;
        END""")  # noqa: S608 - constants
    op.execute(f"CREATE INDEX leads_words ON leads USING gin (({SEARCHED})) WITH (fastupdate = off)")


def _search() -> None:
    schema = op.get_bind().dialect.identifier_preparer.quote(
        str(op.get_bind().exec_driver_sql("SELECT current_schema()").scalar())
    )
    # The owner is bound by forced row security too; with this the condition on rows folds away for its plans.
    op.execute("CREATE POLICY searching ON leads FOR SELECT TO CURRENT_USER USING (true)")
    op.execute(f"""CREATE FUNCTION search_leads(
            words text, fields text[], of_status text, of_pipeline text, of_owner uuid,
            before_at timestamptz, before_id uuid, most integer) RETURNS SETOF uuid
        LANGUAGE plpgsql STABLE SECURITY DEFINER
        SET search_path = pg_catalog, {schema}, pg_temp
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
            SELECT string_agg(quoted || mark, ' & ')::tsquery INTO asked FROM (
                SELECT {QUOTED} AS quoted, mark FROM (
                    SELECT org::text AS lexeme, '' AS mark
                    UNION ALL SELECT left(field, {FIELD_CHARS}), '' FROM unnest(fields) AS field
                    UNION ALL (SELECT word.lexeme, ':*' FROM unnest(to_tsvector('simple', plain_text(words))) AS word
                        LIMIT {WORDS_MAX})
                ) AS terms
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
    op.execute(f"REVOKE EXECUTE ON FUNCTION search_leads({ARGUMENTS}) FROM PUBLIC")
