"""A table made as migrations make them keeps organisations apart, whole or in parts."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import ProgrammingError

from crm.database import driver_url
from crm.migrations.tenant import PARTITIONS, create_tenant_table, drop_tables
from events.ids import new_id
from salesos.embedded.postgres import PostgresAddresses


@pytest.fixture
def owner(postgres: PostgresAddresses) -> Iterator[Connection]:
    """The owner's connection with alembic's operations on it; all that is done on it is undone."""
    engine = create_engine(driver_url(postgres.owner_url))
    try:
        with engine.connect() as connection, Operations.context(MigrationContext.configure(connection)):
            yield connection
            connection.rollback()
    finally:
        engine.dispose()


def act_for(owner: Connection, org_id: UUID | None) -> None:
    owner.execute(text("SELECT set_config('app.org', :org, true)"), {"org": "" if org_id is None else str(org_id)})


def put(owner: Connection, org_id: UUID) -> None:
    owner.execute(text("INSERT INTO things VALUES (:org, :id, 'x')"), {"org": org_id, "id": new_id()})


@pytest.mark.parametrize("partitioned", [False, True])
def test_rows_are_seen_and_written_by_their_organisation_only(owner: Connection, partitioned: bool) -> None:
    create_tenant_table("things", "name text NOT NULL", partitioned=partitioned)
    mine, theirs = new_id(), new_id()
    for org_id in (mine, theirs):
        act_for(owner, org_id)
        owner.execute(
            text("INSERT INTO organisations (id, name, slug) VALUES (:id, 'x', :slug)"),
            {"id": org_id, "slug": str(org_id)},
        )
        put(owner, org_id)
    # The owner itself: what is forced binds everybody.
    assert owner.scalars(text("SELECT org_id FROM things")).all() == [theirs]
    act_for(owner, None)
    assert owner.scalars(text("SELECT org_id FROM things")).all() == []
    act_for(owner, mine)
    with pytest.raises(ProgrammingError, match="row-level security"), owner.begin_nested():
        put(owner, theirs)
    owner.execute(text("DELETE FROM organisations WHERE id = :id"), {"id": mine})
    assert owner.scalars(text("SELECT org_id FROM things")).all() == []


def test_the_parts_show_nothing_and_go_with_the_table(owner: Connection) -> None:
    create_tenant_table("things", "name text NOT NULL", partitioned=True)
    parts = text("SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE relname ~ '^things_p[0-9]+$'")
    assert owner.scalars(parts).all() == [True] * PARTITIONS
    drop_tables("things")
    assert owner.scalars(parts).all() == []
