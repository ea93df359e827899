"""What every migration says about a tenant's table: its keys, its row-level security, its partitions.

For migrations from r0010 on; the older ones spell it out and stay as they were run. Nothing here may change once
a release has run it: make a new function instead. Rights are not given here; see crm.migrate.
"""

from typing import Final

from alembic import op

PARTITIONS: Final = 8
ORG: Final = "nullif(current_setting('app.org', true), '')::uuid"
TENANT: Final = "org_id uuid NOT NULL REFERENCES organisations (id) ON DELETE CASCADE, id uuid NOT NULL"
TIMES: Final = "created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now()"


def create_tenant_table(table: str, columns: str, *, partitioned: bool = False) -> None:
    """Make a table with the key (org_id, id) that shows an organisation its own rows only.

    Args:
        columns: SQL of the other columns and constraints; every unique key and foreign key begins with org_id.
        partitioned: by hash of the organisation, for tables that grow with the calls or the leads.
    """
    by = " PARTITION BY HASH (org_id)" if partitioned else ""
    op.execute(f"CREATE TABLE {table} ({TENANT}, {columns}, PRIMARY KEY (org_id, id)){by}")
    if partitioned:
        for number in range(PARTITIONS):
            part = f"{table}_p{number}"
            op.execute(
                f"CREATE TABLE {part} PARTITION OF {table} FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {number})"
            )
            # Reached by its own name a partition shows nothing to anybody.
            force_row_security(part)
    force_row_security(table)
    op.execute(f"CREATE POLICY tenant ON {table} USING (org_id = {ORG}) WITH CHECK (org_id = {ORG})")


def force_row_security(table: str) -> None:
    """Show nobody a row, the owner included, that no policy of the table lets them see."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def drop_tables(*tables: str) -> None:
    """Drop them, in this order, with their partitions."""
    for table in tables:
        op.execute(f"DROP TABLE {table}")
