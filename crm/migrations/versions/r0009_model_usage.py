"""What models took by day, and how it stands against the vendors' reports: the operator's, of no tenant."""

from alembic import op

revision = "r0009"
down_revision = "r0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""CREATE TABLE model_usage_days (
        day date NOT NULL,
        model text NOT NULL,
        own_key boolean NOT NULL,
        shard bigint NOT NULL,
        requests bigint NOT NULL,
        prompt_tokens bigint NOT NULL,
        completion_tokens bigint NOT NULL,
        estimated_tokens bigint NOT NULL,
        PRIMARY KEY (day, model, own_key, shard))""")
    op.execute("""CREATE TABLE usage_reconciliations (
        day date NOT NULL,
        vendor text NOT NULL,
        state text NOT NULL CHECK (state IN ('agrees', 'differs', 'not_reconciled')),
        reason text NOT NULL DEFAULT '',
        our_requests bigint NOT NULL DEFAULT 0,
        our_tokens bigint NOT NULL DEFAULT 0,
        our_estimated_tokens bigint NOT NULL DEFAULT 0,
        their_requests bigint,
        their_tokens bigint,
        difference double precision,
        tries bigint NOT NULL DEFAULT 0,
        checked_at timestamptz,
        next_try_at timestamptz,
        PRIMARY KEY (day, vendor))""")


def downgrade() -> None:
    op.execute("DROP TABLE usage_reconciliations")
    op.execute("DROP TABLE model_usage_days")
