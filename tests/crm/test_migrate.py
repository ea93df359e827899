"""Migrations: up, down and up again; and the models say what the tables are."""

import shutil
from importlib import import_module
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

import crm
from crm.database import Row
from crm.migrate import MIGRATIONS, downgrade, head_revision, migrate
from crm.tenancy import JOB_TABLES
from salesos.embedded.postgres import APP_ROLE, PostgresAddresses

# A model is known to Row's metadata by being imported.
for found in sorted(Path(crm.__path__[0]).glob("*/model.py")):
    import_module(f"crm.{found.parent.name}.model")

# Alembic's own, and the queue's.
NOT_OURS = {"alembic_version", *(table for table in JOB_TABLES if table.startswith("procrastinate_"))}


def tables_of(url: str) -> set[str]:
    engine = create_engine(url)
    try:
        return set(inspect(engine).get_table_names()) - {"alembic_version"}
    finally:
        engine.dispose()


def test_up_down_and_up_again(empty_database: PostgresAddresses) -> None:
    migrate(empty_database.owner_url, APP_ROLE)
    first = tables_of(empty_database.owner_url)
    assert {"calls", "ledger_entries", "event_cursors"} <= first

    downgrade(empty_database.owner_url)
    assert tables_of(empty_database.owner_url) == set()

    migrate(empty_database.owner_url, APP_ROLE)
    migrate(empty_database.owner_url, APP_ROLE)  # repeated: nothing happens
    assert tables_of(empty_database.owner_url) == first


def test_models_and_tables_agree(postgres: PostgresAddresses) -> None:
    """Columns, types and nullability; indexes and foreign keys are the migrations' alone."""
    engine = create_engine(postgres.owner_url)
    try:
        with engine.connect() as connection:
            partitions = {
                name
                for name in inspect(connection).get_table_names()
                if name.rpartition("_p")[2].isdigit() and name.rpartition("_p")[0] in Row.metadata.tables
            }
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            differences = compare_metadata(context, Row.metadata)
    finally:
        engine.dispose()
    told = [
        difference
        for difference in differences
        if not (
            isinstance(difference, tuple)
            and (
                difference[0] in ("remove_index", "remove_fk", "remove_constraint")
                or (difference[0] == "remove_table" and difference[1].name in {*partitions, *NOT_OURS})
            )
        )
    ]
    assert told == []


FAILING = '''"""Makes a table, changes another, then fails."""

from alembic import op

revision = "r9999"
down_revision = "{head}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TABLE half_way (id uuid PRIMARY KEY)")
    op.execute("ALTER TABLE leads ADD COLUMN half_way text")
    op.execute("UPDATE organisations SET name = 'half-way'")
    op.execute("SELECT 1 / 0")
'''


def test_a_migration_that_fails_half_way_leaves_what_was(
    fresh_database: PostgresAddresses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All steps of an upgrade are one transaction: schema, rights, rows and version are those from before."""
    head = head_revision()
    before = schema_of(fresh_database)
    shutil.copytree(MIGRATIONS, tmp_path / "migrations", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "migrations" / "versions" / "r9999_failing.py").write_text(FAILING.format(head=head))
    with monkeypatch.context() as patched:
        patched.setattr("crm.migrate.MIGRATIONS", tmp_path / "migrations")
        with pytest.raises(DBAPIError, match="division by zero"):
            migrate(fresh_database.owner_url, APP_ROLE)
    assert schema_of(fresh_database) == before
    assert before["version"] == [(head,)]
    migrate(fresh_database.owner_url, APP_ROLE)  # the lock is given back, and the good release starts


def schema_of(addresses: PostgresAddresses) -> dict[str, list[tuple[object, ...]]]:
    """Return columns, rights of the application and the version."""
    asked = {
        "columns": """SELECT table_name, column_name, data_type FROM information_schema.columns
            WHERE table_schema = current_schema() ORDER BY 1, 2""",
        "rights": """SELECT table_name, privilege_type, grantee FROM information_schema.role_table_grants
            WHERE table_schema = current_schema() ORDER BY 1, 2, 3""",
        "version": "SELECT version_num FROM alembic_version",
    }
    engine = create_engine(addresses.admin_url)
    try:
        with engine.connect() as connection:
            return {name: [tuple(row) for row in connection.execute(text(sql))] for name, sql in asked.items()}
    finally:
        engine.dispose()
