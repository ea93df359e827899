"""The check of the role at the start."""

from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine

from crm.database import SchemaMismatch, UnsafeRole, check_role, check_schema, open_engine
from crm.migrate import head_revision
from salesos.embedded.postgres import PostgresAddresses


async def test_the_applications_role_is_accepted(engine: AsyncEngine) -> None:
    await check_role(engine)
    await check_schema(engine, head_revision())


@pytest.mark.parametrize(("role", "fault"), [("owner_url", "owns tables"), ("admin_url", "superuser")])
async def test_a_role_that_sees_past_row_security_is_refused(
    role: str, fault: str, postgres: PostgresAddresses
) -> None:
    engine = open_engine(getattr(postgres, role))
    try:
        with pytest.raises(UnsafeRole, match=fault):
            await check_role(engine)
    finally:
        await engine.dispose()


async def test_a_role_that_may_bypass_row_security_is_refused(postgres: PostgresAddresses) -> None:
    role = f"bypasser_{uuid4().hex}"
    admin = open_engine(postgres.admin_url)
    try:
        async with admin.begin() as connection:
            await connection.execute(text(f"CREATE ROLE {role} LOGIN BYPASSRLS PASSWORD 'bypasser'"))
        address = make_url(postgres.app_url).set(username=role, password="bypasser")
        engine = open_engine(address.render_as_string(hide_password=False))
        try:
            with pytest.raises(UnsafeRole, match="bypasses row-level security"):
                await check_role(engine)
        finally:
            await engine.dispose()
    finally:
        async with admin.begin() as connection:
            await connection.execute(text(f"DROP ROLE IF EXISTS {role}"))
        await admin.dispose()


async def test_a_database_that_is_not_migrated_is_refused(empty_database: PostgresAddresses) -> None:
    engine = open_engine(empty_database.app_url)
    try:
        with pytest.raises(SchemaMismatch, match="not migrated"):
            await check_schema(engine, head_revision())
    finally:
        await engine.dispose()


async def test_a_database_of_another_release_is_refused(engine: AsyncEngine) -> None:
    with pytest.raises(SchemaMismatch, match="needs r9999"):
        await check_schema(engine, "r9999")


def test_tenant_identity_is_set_in_one_place_only(repository: Path) -> None:
    places = [
        path.name
        for path in (repository / "crm").rglob("*.py")
        if "set_config(" in path.read_text(encoding="utf-8") and "versions" not in path.parts
    ]
    assert places == ["unit_of_work.py"]
