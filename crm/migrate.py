"""Brings the schema up to this release and grants the application's role what it may do. Synchronous."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import Engine

from crm.database import driver_url
from crm.tenancy import OWNERS_FUNCTIONS

MIGRATIONS: Final = Path(__file__).with_name("migrations")
# Any number that nobody else uses: two starts at once migrate one after the other.
MIGRATION_LOCK: Final = 7_351_001
# What is written once and never changed by the application; organisations are deleted by cascade.
APPEND_ONLY: Final = frozenset(
    {
        "audit_entries",
        "balance_alerts",
        "consents",
        "decisions",
        "lead_changes",
        "ledger_entries",
        "ledger_transactions",
        "own_prices",
        "prompt_activations",
        "prompt_versions",
        "refunds",
    }
)
# Of these, what goes over to the lead that another one is merged into (crm.duplicates).
FOLLOWING: Final = frozenset({"consents", "lead_changes"})


def migrate(owner_url: str, app_role: str) -> None:
    """Migrate to the newest schema, then grant. Safe to repeat.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: unreachable, or a migration failed (nothing of it is kept).
    """
    engine = _engine(owner_url)
    try:
        with engine.connect() as connection:
            _lock(connection)
            command.upgrade(_config(connection), "head")
            _grant(connection, app_role)
            connection.commit()
    finally:
        engine.dispose()


def downgrade(owner_url: str, revision: str = "base") -> None:
    """Take the schema back to `revision`, data included."""
    engine = _engine(owner_url)
    try:
        with engine.connect() as connection:
            _lock(connection)
            command.downgrade(_config(connection), revision)
            connection.commit()
    finally:
        engine.dispose()


def head_revision() -> str:
    """Return the revision that this release needs."""
    head = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    assert head is not None, "there is one line of migrations"
    return head


def _engine(owner_url: str) -> Engine:
    return create_engine(driver_url(owner_url), connect_args={"connect_timeout": 10}, hide_parameters=True)


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _lock(connection: Connection) -> None:
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})


def _grant(connection: Connection, app_role: str) -> None:
    """Give the application's role its rights on tables; on partitions it gets none (see tenancy)."""
    role = connection.dialect.identifier_preparer.quote(app_role)
    schema = connection.dialect.identifier_preparer.quote(str(connection.scalar(text("SELECT current_schema()"))))
    connection.execute(text(f"GRANT USAGE ON SCHEMA {schema} TO {role}"))
    tables = connection.scalars(
        text(
            "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace"
            " AND relkind IN ('r', 'p') AND NOT relispartition"
        )
    ).all()
    for table in tables:
        connection.execute(text(f"REVOKE ALL ON {table} FROM {role}"))
        connection.execute(text(f"GRANT {_rights(table)} ON {table} TO {role}"))
    for function in sorted(OWNERS_FUNCTIONS):
        # By name: each has one form only.
        connection.execute(text(f"GRANT EXECUTE ON FUNCTION {function} TO {role}"))
    # Numbers of jobs; ours are UUIDs.
    connection.execute(text(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}"))


def _rights(table: str) -> str:
    if table == "alembic_version":
        return "SELECT"
    if table == "dead_letters":
        # What a letter says belongs to one organisation, and the table to none: it is read by one function only.
        shown = "SELECT (id, org_id, call_id, stream, entry_id, why, cause, times, at, digest)"
        return f"{shown}, INSERT, UPDATE (cause, times, at), DELETE"
    if table == "ledger_archive":
        # Written by a function of the owner only.
        return "SELECT"
    if table in FOLLOWING:
        return "SELECT, INSERT, UPDATE (lead_id)"
    if table in APPEND_ONLY:
        return "SELECT, INSERT"
    return "SELECT, INSERT, UPDATE, DELETE"
