"""Row security of the ledger's tables reads the list of a batch's organisations once a statement, not once a row.

A function of a setting alone is worked out for each row that a policy looks at, and a batch of postings looks at some
eight rows a posting: to search the list as text, or to parse it, took three fifths of a batch's time. What is selected
by itself is worked out once (an InitPlan).
"""

from typing import Final

from alembic import op

from crm.migrations.tenant import ORG

revision = "r0030"
down_revision = "r0029"
branch_labels = None
depends_on = None

TABLES: Final = ("ledger_accounts", "ledger_transactions", "ledger_entries")
BY_ARRAY: Final = (
    f"org_id = {ORG} OR"
    " org_id = ANY ((SELECT string_to_array(nullif(current_setting('app.ledger', true), ''), ',')::uuid[])::uuid[])"
)
BY_TEXT: Final = f"org_id = {ORG} OR strpos(current_setting('app.ledger', true), org_id::text) > 0"


def upgrade() -> None:
    _tenants(BY_ARRAY)
    # Most postings belong to no call: they need no place in an index of calls.
    op.execute("DROP INDEX ledger_transactions_call")
    op.execute("""CREATE INDEX ledger_transactions_call ON ledger_transactions (org_id, call_id)
        WHERE call_id IS NOT NULL""")


def downgrade() -> None:
    op.execute("DROP INDEX ledger_transactions_call")
    op.execute("CREATE INDEX ledger_transactions_call ON ledger_transactions (org_id, call_id)")
    _tenants(BY_TEXT)


def _tenants(condition: str) -> None:
    for table in TABLES:
        op.execute(f"ALTER POLICY tenant ON {table} USING ({condition}) WITH CHECK ({condition})")
