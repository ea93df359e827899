"""Postings that are older than a year are put away: a row each, and one posting in their place that carries the sums.

So every balance stays the sum of the entries that are there, and adding them up takes no longer with the years. What is
put away is moved by one function that runs as the owner, since the application may change and delete no posting: of the
transaction's organisation only, and nothing that is younger than a year.
"""

from typing import Final

from alembic import op

from crm.migrations.tenant import ORG, create_tenant_table, drop_tables

revision = "r0037"
down_revision = "r0036"
branch_labels = None
depends_on = None

ACCOUNTS: Final = "ARRAY['wallet', 'held', 'revenue', 'funding', 'shortfall']"
TABLES: Final = ("ledger_archive", "ledger_transactions", "ledger_entries", "ledger_accounts")


def upgrade() -> None:
    create_tenant_table(
        "ledger_archive",
        """kind text NOT NULL,
        reference text NOT NULL,
        call_id uuid,
        at timestamptz NOT NULL,
        amounts bigint[] NOT NULL CHECK (cardinality(amounts) = 5),
        UNIQUE (org_id, reference)""",
        partitioned=True,
    )
    op.execute("CREATE INDEX ledger_archive_at ON ledger_archive (org_id, at, id)")
    op.execute("CREATE INDEX ledger_archive_call ON ledger_archive (org_id, call_id) WHERE call_id IS NOT NULL")
    named = op.get_bind().exec_driver_sql("SELECT current_schema()").scalar()
    schema = op.get_bind().dialect.identifier_preparer.quote(str(named))
    op.execute(f"""CREATE FUNCTION ledger_put_away(p_before timestamptz, p_most integer) RETURNS bigint
        LANGUAGE plpgsql SECURITY DEFINER
        SET search_path = pg_catalog, {schema}, pg_temp
        AS $$
        DECLARE
            org uuid := {ORG};
            chosen uuid[];
            carried uuid := uuidv7();
            newest timestamptz;
            sums bigint[];
        BEGIN
            IF org IS NULL OR p_before IS NULL OR p_before > now() - interval '1 year' THEN
                RAISE EXCEPTION 'only postings older than a year are put away' USING ERRCODE = 'check_violation';
            END IF;
            -- Two at once would each carry what one of them has taken.
            PERFORM FROM ledger_accounts WHERE org_id = org AND kind = 'funding' FOR UPDATE;
            chosen := ARRAY(SELECT id FROM ledger_transactions
                WHERE org_id = org AND at < p_before AND kind <> 'carried' ORDER BY at, id LIMIT p_most);
            IF cardinality(chosen) = 0 THEN
                RETURN 0;
            END IF;
            INSERT INTO ledger_archive (org_id, id, kind, reference, call_id, at, amounts)
            SELECT made.org_id, made.id, made.kind, made.reference, made.call_id, made.at, ARRAY(
                SELECT coalesce((SELECT sum(entry.amount) FROM ledger_entries AS entry
                    WHERE entry.org_id = org AND entry.transaction_id = made.id AND entry.account_id = account.id), 0)
                FROM unnest({ACCOUNTS}) WITH ORDINALITY AS named(kind, place)
                JOIN ledger_accounts AS account ON account.org_id = org AND account.kind = named.kind
                ORDER BY named.place)::bigint[]
            FROM ledger_transactions AS made WHERE made.org_id = org AND made.id = ANY (chosen);
            SELECT max(at), ARRAY[sum(amounts[1]), sum(amounts[2]), sum(amounts[3]), sum(amounts[4]), sum(amounts[5])]
                INTO newest, sums FROM ledger_archive WHERE org_id = org AND id = ANY (chosen);
            -- Their entries go along, by the trigger of r0010.
            DELETE FROM ledger_transactions WHERE org_id = org AND id = ANY (chosen);
            IF sums <> ARRAY[0, 0, 0, 0, 0]::bigint[] THEN
                INSERT INTO ledger_transactions (org_id, id, kind, reference, at)
                VALUES (org, carried, 'carried', 'carried:' || carried, newest);
                INSERT INTO ledger_entries (org_id, id, transaction_id, account_id, amount)
                SELECT org, uuidv7(), carried, account.id, sums[named.place]
                FROM unnest({ACCOUNTS}) WITH ORDINALITY AS named(kind, place)
                JOIN ledger_accounts AS account ON account.org_id = org AND account.kind = named.kind
                WHERE sums[named.place] <> 0;
            END IF;
            RETURN cardinality(chosen);
        END $$""")  # noqa: S608 - constants
    op.execute("REVOKE EXECUTE ON FUNCTION ledger_put_away(timestamptz, integer) FROM PUBLIC")


def downgrade() -> None:
    """Everything that was put away is a posting again."""
    # The owner sees no row while row security is forced.
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM ledger_transactions WHERE kind = 'carried'")
    op.execute("""INSERT INTO ledger_transactions (org_id, id, kind, reference, call_id, at)
        SELECT org_id, id, kind, reference, call_id, at FROM ledger_archive""")
    op.execute(f"""INSERT INTO ledger_entries (org_id, id, transaction_id, account_id, amount)
        SELECT away.org_id, uuidv7(), away.id, account.id, move
        FROM ledger_archive AS away, unnest(away.amounts) WITH ORDINALITY AS line(move, place),
            ledger_accounts AS account
        WHERE account.org_id = away.org_id AND account.kind = ({ACCOUNTS})[place] AND move <> 0""")  # noqa: S608 - constants
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute("DROP FUNCTION ledger_put_away(timestamptz, integer)")
    drop_tables("ledger_archive")
