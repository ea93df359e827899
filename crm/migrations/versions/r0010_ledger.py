"""Postings in one trip: functions that book one or many, and one balance an organisation that anybody waits for.

Only the wallet keeps a balance in its row, since only a debit has to know it. What the other accounts hold is the sum
of their entries: metering a call and booking revenue change no row that another call's posting would wait for.

Entries have no foreign keys: checking one takes longer than writing the entry, and one to the account or the
organisation locks the row that all the organisation's postings name. `ledger_write` makes a transaction and its entries
from accounts that it has found; entries go with their transaction by a trigger.
"""

from typing import Final

from alembic import op

from crm.migrations.tenant import ORG, force_row_security

revision = "r0010"
down_revision = "r0009"
branch_labels = None
depends_on = None

ACCOUNTS: Final = "ARRAY['wallet', 'held', 'revenue', 'funding', 'shortfall']"
# The ledger's tables alone may be written for several organisations in one statement, which are then all named in a
# setting that ends with it. A list of names is searched as text: to parse it for each row would take longer.
SEVERAL: Final = f"org_id = {ORG} OR strpos(current_setting('app.ledger', true), org_id::text) > 0"


def upgrade() -> None:
    _balances("0")
    op.execute("ALTER TABLE ledger_accounts DROP CONSTRAINT never_negative")
    op.execute("""ALTER TABLE ledger_accounts ADD CONSTRAINT wallet_only
        CHECK (CASE kind WHEN 'wallet' THEN balance >= 0 ELSE balance = 0 END)""")
    op.execute("ALTER TABLE ledger_entries DROP CONSTRAINT ledger_entries_org_id_fkey")
    op.execute("ALTER TABLE ledger_entries DROP CONSTRAINT ledger_entries_org_id_account_id_fkey")
    op.execute("DROP INDEX ledger_entries_account")
    # What a sum needs is in the index, so that the table itself is not read for it.
    op.execute("CREATE INDEX ledger_entries_account ON ledger_entries (org_id, account_id) INCLUDE (amount)")
    op.execute("CREATE INDEX ledger_transactions_at ON ledger_transactions (org_id, at, id)")
    _sum_by_statement()
    op.execute("ALTER TABLE ledger_entries DROP CONSTRAINT ledger_entries_org_id_transaction_id_fkey")
    op.execute("""CREATE FUNCTION delete_entries() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            DELETE FROM ledger_entries WHERE org_id = OLD.org_id AND transaction_id = OLD.id;
            RETURN OLD;
        END $$""")
    # Before, not after: it is then done by whom the organisation's own key has delete its rows, the owner.
    op.execute("""CREATE TRIGGER entries_go_along BEFORE DELETE ON ledger_transactions
        FOR EACH ROW EXECUTE FUNCTION delete_entries()""")
    _tenants(SEVERAL)
    _write()
    _post()
    _post_all()


def downgrade() -> None:
    op.execute("DROP FUNCTION ledger_post_all(uuid[], text[], text[], uuid[], bigint[])")
    op.execute("DROP FUNCTION ledger_post(uuid, text, text, uuid, bigint[])")
    op.execute("DROP FUNCTION ledger_write(uuid[], text[], text[], uuid[], bigint[])")
    _tenants(f"org_id = {ORG}")
    op.execute("DROP TRIGGER entries_go_along ON ledger_transactions")
    op.execute("DROP FUNCTION delete_entries()")
    op.execute("DROP TRIGGER sum_to_zero ON ledger_entries")
    op.execute("DROP TRIGGER never_changed ON ledger_entries")
    op.execute("DROP FUNCTION entries_never_change()")
    op.execute("""CREATE OR REPLACE FUNCTION entries_sum_to_zero() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF (SELECT sum(amount) FROM ledger_entries
                WHERE org_id = NEW.org_id AND transaction_id = NEW.transaction_id) IS DISTINCT FROM 0 THEN
                RAISE EXCEPTION 'ledger entries do not sum to zero' USING ERRCODE = 'check_violation';
            END IF;
            RETURN NULL;
        END $$""")
    op.execute("""CREATE CONSTRAINT TRIGGER sum_to_zero AFTER INSERT OR UPDATE ON ledger_entries
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION entries_sum_to_zero()""")
    op.execute("DROP INDEX ledger_transactions_at")
    op.execute("DROP INDEX ledger_entries_account")
    op.execute("CREATE INDEX ledger_entries_account ON ledger_entries (org_id, account_id)")
    op.execute("""ALTER TABLE ledger_entries ADD CONSTRAINT ledger_entries_org_id_account_id_fkey
        FOREIGN KEY (org_id, account_id) REFERENCES ledger_accounts (org_id, id) ON DELETE CASCADE""")
    op.execute("""ALTER TABLE ledger_entries ADD CONSTRAINT ledger_entries_org_id_transaction_id_fkey
        FOREIGN KEY (org_id, transaction_id) REFERENCES ledger_transactions (org_id, id) ON DELETE CASCADE""")
    op.execute("""ALTER TABLE ledger_entries ADD CONSTRAINT ledger_entries_org_id_fkey
        FOREIGN KEY (org_id) REFERENCES organisations (id) ON DELETE CASCADE""")
    op.execute("ALTER TABLE ledger_accounts DROP CONSTRAINT wallet_only")
    _balances("""coalesce((SELECT sum(amount) FROM ledger_entries AS entry
        WHERE entry.org_id = account.org_id AND entry.account_id = account.id), 0)""")
    op.execute("""ALTER TABLE ledger_accounts ADD CONSTRAINT never_negative
        CHECK (kind NOT IN ('wallet', 'held') OR balance >= 0)""")


def _balances(value: str) -> None:
    """Write the balances of all accounts but the wallets, of all organisations: for once the owner sees them."""
    for table in ("ledger_accounts", "ledger_entries"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(f"UPDATE ledger_accounts AS account SET balance = {value} WHERE kind <> 'wallet'")  # noqa: S608 - ours
    for table in ("ledger_accounts", "ledger_entries"):
        force_row_security(table)


def _sum_by_statement() -> None:
    """The entries of a transaction come in one statement, and are summed once, not once each."""
    op.execute("DROP TRIGGER sum_to_zero ON ledger_entries")
    op.execute("""CREATE OR REPLACE FUNCTION entries_sum_to_zero() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF EXISTS (SELECT FROM fresh GROUP BY org_id, transaction_id HAVING sum(amount) <> 0) THEN
                RAISE EXCEPTION 'ledger entries do not sum to zero' USING ERRCODE = 'check_violation';
            END IF;
            RETURN NULL;
        END $$""")
    op.execute("""CREATE TRIGGER sum_to_zero AFTER INSERT ON ledger_entries
        REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION entries_sum_to_zero()""")
    op.execute("""CREATE FUNCTION entries_never_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'ledger entries never change: post another transaction' USING ERRCODE = 'check_violation';
        END $$""")
    op.execute("""CREATE TRIGGER never_changed BEFORE UPDATE ON ledger_entries
        FOR EACH STATEMENT EXECUTE FUNCTION entries_never_change()""")


def _tenants(condition: str) -> None:
    for table in ("ledger_accounts", "ledger_transactions", "ledger_entries"):
        op.execute(f"ALTER POLICY tenant ON {table} USING ({condition}) WITH CHECK ({condition})")


def _write() -> None:
    """Write transactions and their entries; p_moves has five amounts a posting, in the order of ACCOUNTS."""
    op.execute(f"""CREATE FUNCTION ledger_write(
            p_orgs uuid[], p_kinds text[], p_references text[], p_calls uuid[], p_moves bigint[]
        ) RETURNS void LANGUAGE plpgsql AS $$
        DECLARE
            ids uuid[] := ARRAY(SELECT uuidv7() FROM generate_subscripts(p_kinds, 1));
            written bigint;
        BEGIN
            INSERT INTO ledger_transactions (org_id, id, kind, reference, call_id)
            SELECT made.* FROM unnest(p_orgs, ids, p_kinds, p_references, p_calls) AS made;
            INSERT INTO ledger_entries (org_id, id, transaction_id, account_id, amount)
            SELECT account.org_id, uuidv7(), ids[(place + 4) / 5], account.id, move
            FROM unnest(p_moves) WITH ORDINALITY AS line(move, place)
            JOIN ledger_accounts AS account
            ON account.org_id = p_orgs[(place + 4) / 5] AND account.kind = ({ACCOUNTS})[(place - 1) % 5 + 1]
            WHERE move <> 0;
            GET DIAGNOSTICS written = ROW_COUNT;
            IF written <> cardinality(array_remove(p_moves, 0)) THEN
                RAISE EXCEPTION 'an account of the organisation is missing' USING ERRCODE = 'check_violation';
            END IF;
        END $$""")  # noqa: S608 - constants


def _post() -> None:
    """Book one posting: -1 when the wallet does not pay for it, and then nothing is booked.

    Returns the wallet's balance after, null when nothing moves it. The only lock that is taken is the wallet's, by the
    one statement that also looks at it.
    """
    op.execute("""CREATE FUNCTION ledger_post(
            p_org uuid, p_kind text, p_reference text, p_call uuid, p_moves bigint[]
        ) RETURNS bigint LANGUAGE plpgsql AS $$
        DECLARE
            after bigint;
        BEGIN
            IF p_moves[1] <> 0 THEN
                UPDATE ledger_accounts SET balance = balance + p_moves[1]
                WHERE org_id = p_org AND kind = 'wallet' AND balance + p_moves[1] >= 0 RETURNING balance INTO after;
                IF NOT FOUND THEN
                    RETURN -1;
                END IF;
            END IF;
            PERFORM ledger_write(ARRAY[p_org], ARRAY[p_kind], ARRAY[p_reference], ARRAY[p_call], p_moves);
            RETURN after;
        END $$""")


def _post_all() -> None:
    """Book postings of many organisations in one statement, which is its own transaction: a verdict each.

    Where a wallet pays for all that is asked of it, and nothing is a repeat, they are booked together; elsewhere one by
    one, in their order. Several organisations never wait for a wallet ('busy' says that another transaction changes it
    now): so none waits for another's, and two of these statements never for each other. One alone waits.
    """
    op.execute(_POST_ALL)


_POST_ALL: Final = """CREATE FUNCTION ledger_post_all(
            p_orgs uuid[], p_kinds text[], p_references text[], p_calls uuid[], p_moves bigint[]
        ) RETURNS text[] LANGUAGE plpgsql AS $$
        DECLARE
            orgs uuid[] := ARRAY(SELECT DISTINCT org FROM unnest(p_orgs) AS org);
            wallets bigint[] := ARRAY(SELECT p_moves[n * 5 - 4] FROM generate_subscripts(p_orgs, 1) AS n ORDER BY n);
            locked uuid[];
            good uuid[];
            chosen integer[];
            verdicts text[] := array_fill('booked'::text, ARRAY[cardinality(p_orgs)]);
        BEGIN
            -- Less than a statement may take, so that its caller is told why.
            PERFORM set_config('lock_timeout', '2s', true);
            -- Planned once a connection: each statement finds its rows by a key, and a plan that was made while a
            -- table was nearly empty would read the whole of it ever after.
            PERFORM set_config('plan_cache_mode', 'force_generic_plan', true);
            PERFORM set_config('enable_seqscan', 'off', true);
            PERFORM set_config('app.ledger', array_to_string(orgs, ','), true);
            -- Locked before references are looked for: whoever books the same one waits, or is seen.
            IF cardinality(orgs) = 1 THEN
                locked := ARRAY(SELECT org_id FROM ledger_accounts
                    WHERE org_id = orgs[1] AND kind = 'wallet' FOR NO KEY UPDATE);
            ELSE
                locked := ARRAY(SELECT org_id FROM ledger_accounts
                    WHERE org_id = ANY (orgs) AND kind = 'wallet' FOR NO KEY UPDATE SKIP LOCKED);
            END IF;
            good := ARRAY(
                SELECT asked.org FROM (
                    SELECT org, sum(move) AS moved, count(*) AS many, count(DISTINCT reference) AS different
                    FROM unnest(p_orgs, wallets, p_references) AS posting(org, move, reference) GROUP BY org
                ) AS asked JOIN ledger_accounts AS account ON account.org_id = asked.org AND account.kind = 'wallet'
                WHERE asked.org = ANY (locked) AND account.balance + moved >= 0 AND many = different);
            good := ARRAY(SELECT unnest(good) EXCEPT
                SELECT posting.org FROM unnest(p_orgs, p_references) AS posting(org, reference)
                JOIN ledger_transactions AS made ON made.org_id = posting.org AND made.reference = posting.reference);
            chosen := ARRAY(SELECT n FROM unnest(p_orgs) WITH ORDINALITY AS posting(org, n)
                WHERE org = ANY (good) ORDER BY n);
            UPDATE ledger_accounts AS account SET balance = balance + moved
            FROM (SELECT p_orgs[n] AS org, sum(wallets[n]) AS moved FROM unnest(chosen) AS n GROUP BY 1) AS asked
            WHERE account.org_id = asked.org AND account.kind = 'wallet';
            IF cardinality(chosen) = cardinality(p_orgs) THEN
                PERFORM ledger_write(p_orgs, p_kinds, p_references, p_calls, p_moves);
                RETURN verdicts;
            END IF;
            PERFORM ledger_write(
                ARRAY(SELECT p_orgs[n] FROM unnest(chosen) WITH ORDINALITY AS c(n, i) ORDER BY i),
                ARRAY(SELECT p_kinds[n] FROM unnest(chosen) WITH ORDINALITY AS c(n, i) ORDER BY i),
                ARRAY(SELECT p_references[n] FROM unnest(chosen) WITH ORDINALITY AS c(n, i) ORDER BY i),
                ARRAY(SELECT p_calls[n] FROM unnest(chosen) WITH ORDINALITY AS c(n, i) ORDER BY i),
                ARRAY(SELECT p_moves[n * 5 - 5 + account]
                    FROM unnest(chosen) WITH ORDINALITY AS c(n, i), generate_series(1, 5) AS account
                    ORDER BY i, account));
            FOR n IN 1 .. cardinality(p_orgs) LOOP
                IF p_orgs[n] = ANY (good) THEN
                    CONTINUE;
                ELSIF cardinality(orgs) > 1 AND p_orgs[n] <> ALL (locked) THEN
                    verdicts[n] := 'busy';
                ELSIF EXISTS (SELECT FROM ledger_transactions
                    WHERE org_id = p_orgs[n] AND reference = p_references[n]) THEN
                    verdicts[n] := 'repeated';
                ELSIF ledger_post(
                    p_orgs[n], p_kinds[n], p_references[n], p_calls[n], p_moves[n * 5 - 4 : n * 5]
                ) IS NOT DISTINCT FROM -1 THEN
                    verdicts[n] := 'no_credit';
                END IF;
            END LOOP;
            RETURN verdicts;
        END $$"""
