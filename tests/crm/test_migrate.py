"""Migrations: up, down and up again; and the models say what the tables are."""

from importlib import import_module
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect

import crm
from crm.database import Row
from crm.migrate import downgrade, migrate
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
