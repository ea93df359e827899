"""The first tables: identity, agents, leads, calls, events, decisions, ledger.

Keys are (org_id, id). Row-level security is forced on each tenant table; only the parents of partitions are
ever granted to the application's role.
"""

from typing import Final

from alembic import op

revision = "r0001"
down_revision = None
branch_labels = None
depends_on = None

PARTITIONS: Final = 8
ORG: Final = "nullif(current_setting('app.org', true), '')::uuid"
USER: Final = "nullif(current_setting('app.user', true), '')::uuid"
EMAIL: Final = "nullif(current_setting('app.email', true), '')"
TENANT: Final = "org_id uuid NOT NULL REFERENCES organisations (id) ON DELETE CASCADE, id uuid NOT NULL"
TIMES: Final = "created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now()"

# In the order of creation; dropped from the last to the first.
TENANT_TABLES: Final = (
    "agents",
    "leads",
    "tasks",
    "decisions",
    "calls",
    "call_events",
    "parked_events",
    "turns",
    "ledger_accounts",
    "ledger_transactions",
    "ledger_entries",
    "idempotency_keys",
)


def upgrade() -> None:
    _identity()
    _people()
    _calls()
    _events()
    _money()
    _jobs()
    for table in TENANT_TABLES:
        _force(table)
        op.execute(f"CREATE POLICY tenant ON {table} USING (org_id = {ORG}) WITH CHECK (org_id = {ORG})")


def downgrade() -> None:
    for table in ("pending_dials", "dead_letters", "event_cursors", *reversed(TENANT_TABLES)):
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP FUNCTION entries_sum_to_zero()")
    # Before its table: the policy on users reads members.
    op.execute("DROP POLICY seen ON users")
    op.execute("DROP POLICY left_over ON users")
    for table in ("members", "users", "organisations"):
        op.execute(f"DROP TABLE {table}")


def _identity() -> None:
    op.execute(f"""CREATE TABLE organisations (
        id uuid PRIMARY KEY,
        name text NOT NULL,
        slug text NOT NULL UNIQUE,
        record_when text NOT NULL DEFAULT 'after_disclosure'
            CHECK (record_when IN ('never', 'after_disclosure', 'always')),
        settings jsonb NOT NULL DEFAULT '{{}}',
        {TIMES})""")
    op.execute(f"""CREATE TABLE users (
        id uuid PRIMARY KEY,
        email text NOT NULL UNIQUE CHECK (email = lower(email)),
        full_name text NOT NULL,
        password_hash text NOT NULL,
        {TIMES})""")
    op.execute("""CREATE TABLE members (
        org_id uuid NOT NULL REFERENCES organisations (id) ON DELETE CASCADE,
        user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        role text NOT NULL CHECK (role IN ('admin', 'supervisor', 'rep')),
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (org_id, user_id))""")
    op.execute("CREATE INDEX members_user ON members (user_id)")
    for table in ("organisations", "users", "members"):
        _force(table)
    op.execute(f"CREATE POLICY tenant ON organisations USING (id = {ORG}) WITH CHECK (id = {ORG})")
    op.execute(f"CREATE POLICY tenant ON members USING (org_id = {ORG}) WITH CHECK (org_id = {ORG})")
    op.execute(f"CREATE POLICY own ON members FOR SELECT USING (user_id = {USER})")
    # A user belongs to several organisations: seen by colleagues, by themselves, and while signing in.
    op.execute(f"""CREATE POLICY seen ON users FOR SELECT USING (
        email = {EMAIL} OR id = {USER} OR EXISTS (SELECT 1 FROM members WHERE members.user_id = users.id))""")  # noqa: S608 - constants
    op.execute("CREATE POLICY made ON users FOR INSERT WITH CHECK (true)")
    op.execute(f"CREATE POLICY changed ON users FOR UPDATE USING (id = {USER}) WITH CHECK (id = {USER})")
    op.execute(f"""CREATE POLICY left_over ON users FOR DELETE USING (
        id = {USER} AND NOT EXISTS (SELECT 1 FROM members WHERE members.user_id = users.id))""")  # noqa: S608 - constants


def _people() -> None:
    op.execute(f"""CREATE TABLE agents (
        {TENANT},
        name text NOT NULL,
        description text NOT NULL DEFAULT '',
        type text NOT NULL DEFAULT 'custom',
        playbook text NOT NULL,
        voice text NOT NULL DEFAULT 'en-us',
        language text NOT NULL DEFAULT 'en-US',
        prompt_version text NOT NULL DEFAULT '1',
        active boolean NOT NULL DEFAULT true,
        {TIMES},
        PRIMARY KEY (org_id, id))""")
    op.execute("CREATE INDEX agents_type ON agents (org_id, type)")
    op.execute(f"""CREATE TABLE leads (
        {TENANT},
        owner_id uuid,
        name text NOT NULL,
        email text,
        phone text,
        company text NOT NULL DEFAULT '',
        source text NOT NULL DEFAULT '',
        pipeline text NOT NULL DEFAULT 'novos-leads',
        status text NOT NULL DEFAULT 'novo',
        score bigint NOT NULL DEFAULT 0 CHECK (score BETWEEN 0 AND 100),
        custom_fields jsonb NOT NULL DEFAULT '{{}}',
        notes text NOT NULL DEFAULT '',
        next_step text NOT NULL DEFAULT '',
        objections jsonb NOT NULL DEFAULT '[]',
        do_not_call boolean NOT NULL DEFAULT false,
        do_not_call_at timestamptz,
        time_zone text NOT NULL DEFAULT '',
        {TIMES},
        PRIMARY KEY (org_id, id)) PARTITION BY HASH (org_id)""")
    _partition("leads")
    op.execute("CREATE INDEX leads_status ON leads (org_id, status)")
    op.execute("CREATE INDEX leads_pipeline ON leads (org_id, pipeline)")
    op.execute("CREATE INDEX leads_created ON leads (org_id, created_at, id)")
    op.execute("CREATE INDEX leads_email ON leads (org_id, email)")
    op.execute("CREATE INDEX leads_phone ON leads (org_id, phone)")
    op.execute("CREATE INDEX leads_callable ON leads (org_id, created_at) WHERE NOT do_not_call")
    op.execute(f"""CREATE TABLE tasks (
        {TENANT},
        lead_id uuid NOT NULL,
        call_id uuid,
        kind text NOT NULL,
        title text NOT NULL,
        due_text text NOT NULL DEFAULT '',
        status text NOT NULL DEFAULT 'open',
        {TIMES},
        PRIMARY KEY (org_id, id),
        FOREIGN KEY (org_id, lead_id) REFERENCES leads (org_id, id) ON DELETE CASCADE)""")
    op.execute("CREATE INDEX tasks_lead ON tasks (org_id, lead_id)")


def _calls() -> None:
    op.execute(f"""CREATE TABLE decisions (
        {TENANT},
        call_id uuid,
        lead_id uuid,
        number text NOT NULL,
        allowed boolean NOT NULL,
        reasons jsonb NOT NULL,
        inputs jsonb NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (org_id, id))""")
    op.execute("CREATE INDEX decisions_call ON decisions (org_id, call_id)")
    op.execute(f"""CREATE TABLE calls (
        {TENANT},
        lead_id uuid NOT NULL,
        agent_id uuid NOT NULL,
        decision_id uuid NOT NULL,
        number text NOT NULL,
        node text NOT NULL DEFAULT '',
        state text NOT NULL DEFAULT 'queued',
        outcome text,
        reason text NOT NULL DEFAULT '',
        answered_by text,
        carrier text NOT NULL DEFAULT '',
        carrier_call_id text,
        duration_s double precision NOT NULL DEFAULT 0,
        recording jsonb,
        recording_fault text NOT NULL DEFAULT '',
        closed boolean NOT NULL DEFAULT false,
        epoch bigint NOT NULL DEFAULT 0,
        seq bigint NOT NULL DEFAULT 0,
        event_count bigint NOT NULL DEFAULT 0,
        funded_s bigint NOT NULL,
        price_per_minute bigint NOT NULL CHECK (price_per_minute > 0),
        reserved bigint NOT NULL CHECK (reserved >= 0),
        held bigint NOT NULL CHECK (held >= 0),
        charged bigint NOT NULL DEFAULT 0 CHECK (charged >= 0),
        balance_before bigint NOT NULL,
        balance_after bigint,
        settled_at timestamptz,
        answered_at timestamptz,
        ended_at timestamptz,
        {TIMES},
        PRIMARY KEY (org_id, id),
        FOREIGN KEY (org_id, lead_id) REFERENCES leads (org_id, id) ON DELETE CASCADE
        ) PARTITION BY HASH (org_id)""")
    _partition("calls")
    op.execute("CREATE INDEX calls_created ON calls (org_id, created_at, id)")
    op.execute("CREATE INDEX calls_lead ON calls (org_id, lead_id)")
    op.execute(f"""CREATE TABLE turns (
        {TENANT},
        call_id uuid NOT NULL,
        epoch bigint NOT NULL,
        turn bigint NOT NULL,
        speaker text NOT NULL,
        text text,
        heard_text text,
        started_ms bigint,
        ended_ms bigint,
        response_ms bigint,
        interrupted boolean NOT NULL DEFAULT false,
        waterfall jsonb,
        PRIMARY KEY (org_id, id),
        UNIQUE (org_id, call_id, epoch, turn, speaker),
        FOREIGN KEY (org_id, call_id) REFERENCES calls (org_id, id) ON DELETE CASCADE
        ) PARTITION BY HASH (org_id)""")
    _partition("turns")


def _events() -> None:
    op.execute(f"""CREATE TABLE call_events (
        {TENANT},
        call_id uuid NOT NULL,
        epoch bigint NOT NULL,
        seq bigint NOT NULL,
        kind text NOT NULL,
        body jsonb NOT NULL,
        at timestamptz NOT NULL,
        received_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (org_id, id),
        UNIQUE (org_id, call_id, epoch, seq),
        FOREIGN KEY (org_id, call_id) REFERENCES calls (org_id, id) ON DELETE CASCADE
        ) PARTITION BY HASH (org_id)""")
    _partition("call_events")
    op.execute(f"""CREATE TABLE parked_events (
        {TENANT},
        call_id uuid NOT NULL,
        epoch bigint NOT NULL,
        seq bigint NOT NULL,
        raw bytea NOT NULL,
        parked_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (org_id, id),
        UNIQUE (org_id, call_id, epoch, seq),
        FOREIGN KEY (org_id, call_id) REFERENCES calls (org_id, id) ON DELETE CASCADE)""")


def _money() -> None:
    # The wallet and what is held of it are the customer's money and never negative; contra accounts may be.
    op.execute(f"""CREATE TABLE ledger_accounts (
        {TENANT},
        kind text NOT NULL CHECK (kind IN ('wallet', 'held', 'revenue', 'funding', 'shortfall')),
        balance bigint NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (org_id, id),
        UNIQUE (org_id, kind),
        CONSTRAINT never_negative CHECK (kind NOT IN ('wallet', 'held') OR balance >= 0))""")
    op.execute(f"""CREATE TABLE ledger_transactions (
        {TENANT},
        kind text NOT NULL,
        reference text NOT NULL,
        call_id uuid,
        at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (org_id, id),
        UNIQUE (org_id, reference))""")
    op.execute("CREATE INDEX ledger_transactions_call ON ledger_transactions (org_id, call_id)")
    op.execute(f"""CREATE TABLE ledger_entries (
        {TENANT},
        transaction_id uuid NOT NULL,
        account_id uuid NOT NULL,
        amount bigint NOT NULL CHECK (amount <> 0),
        PRIMARY KEY (org_id, id),
        FOREIGN KEY (org_id, transaction_id) REFERENCES ledger_transactions (org_id, id) ON DELETE CASCADE,
        FOREIGN KEY (org_id, account_id) REFERENCES ledger_accounts (org_id, id) ON DELETE CASCADE
        ) PARTITION BY HASH (org_id)""")
    _partition("ledger_entries")
    op.execute("CREATE INDEX ledger_entries_transaction ON ledger_entries (org_id, transaction_id)")
    op.execute("CREATE INDEX ledger_entries_account ON ledger_entries (org_id, account_id)")
    # A sum that cannot be seen is null, which is not zero either: the transaction fails.
    op.execute("""CREATE FUNCTION entries_sum_to_zero() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF (SELECT sum(amount) FROM ledger_entries
                WHERE org_id = NEW.org_id AND transaction_id = NEW.transaction_id) IS DISTINCT FROM 0 THEN
                RAISE EXCEPTION 'ledger entries do not sum to zero' USING ERRCODE = 'check_violation';
            END IF;
            RETURN NULL;
        END $$""")
    op.execute("""CREATE CONSTRAINT TRIGGER sum_to_zero AFTER INSERT OR UPDATE ON ledger_entries
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION entries_sum_to_zero()""")
    op.execute(f"""CREATE TABLE idempotency_keys (
        {TENANT},
        key text NOT NULL,
        fingerprint text NOT NULL,
        call_id uuid,
        answer jsonb,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (org_id, id),
        UNIQUE (org_id, key))""")


def _jobs() -> None:
    """Tables of the machinery, which no tenant owns; crm.tenancy lists them."""
    op.execute("""CREATE TABLE event_cursors (
        stream text PRIMARY KEY,
        cursor text NOT NULL DEFAULT '0-0',
        owner uuid,
        leased_until timestamptz)""")
    op.execute("""CREATE TABLE dead_letters (
        id uuid PRIMARY KEY,
        org_id uuid,
        call_id uuid,
        stream text NOT NULL,
        entry_id text NOT NULL,
        cause text NOT NULL,
        raw bytea NOT NULL,
        at timestamptz NOT NULL DEFAULT now())""")
    op.execute("CREATE INDEX dead_letters_org ON dead_letters (org_id)")
    op.execute("""CREATE TABLE pending_dials (
        call_id uuid PRIMARY KEY,
        org_id uuid NOT NULL REFERENCES organisations (id) ON DELETE CASCADE,
        stream text NOT NULL,
        release_at timestamptz NOT NULL)""")
    op.execute("CREATE INDEX pending_dials_due ON pending_dials (release_at)")


def _partition(table: str) -> None:
    for number in range(PARTITIONS):
        name = f"{table}_p{number}"
        op.execute(
            f"CREATE TABLE {name} PARTITION OF {table} FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {number})"
        )
        # Reached by its own name a partition shows nothing to anybody.
        _force(name)


def _force(table: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
