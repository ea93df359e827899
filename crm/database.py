"""The connection to Postgres: one pool a process, the base of all tables, and the check of the role.

Tenant identity is not set here; see unit_of_work.
"""

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from crm.pool import ReapedPool, connect, note_idle

POOL_MIN: Final = 5
POOL_MAX: Final = 20
# Acquiring a connection or making one takes at most this long (W15).
ACQUIRE_TIMEOUT_S: Final = 30
STATEMENT_TIMEOUT_MS: Final = 10_000
IDLE_IN_TRANSACTION_MS: Final = 30_000
# A peer that vanished without a word is noticed by the kernel after this long.
PEER_TIMEOUT_MS: Final = 10_000

Sessions = async_sessionmaker[AsyncSession]


class UnsafeRole(Exception):
    """The application's role could see past row-level security, so nothing may run with it."""


class SchemaMismatch(Exception):
    """The database has no schema of ours, or one of another release."""


class Row(DeclarativeBase):
    """The base of all tables."""

    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own way
        UUID: Uuid(),
        datetime: DateTime(timezone=True),
        str: Text(),
        int: BigInteger(),
        dict[str, Any]: JSONB(none_as_null=True),
        list[Any]: JSONB(none_as_null=True),
    }


def utc_now() -> datetime:
    return datetime.now(UTC)


def driver_url(url: str) -> str:
    """Return the address with our one driver in it, whichever dialect of `postgresql://` was given."""
    return make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def open_engine(app_url: str, acquire_timeout_s: int = ACQUIRE_TIMEOUT_S) -> AsyncEngine:
    """Return the process's pool; nothing is connected yet."""
    engine = create_async_engine(
        driver_url(app_url),
        poolclass=ReapedPool,
        # Those beyond POOL_MIN are closed when nobody took them for a while (crm.pool).
        pool_size=POOL_MAX,
        max_overflow=0,
        pool_use_lifo=True,
        pool_timeout=acquire_timeout_s,
        pool_pre_ping=True,
        # Errors carry the statement but never its values: those are people's names and numbers.
        hide_parameters=True,
        connect_args={
            "async_creator_fn": connect,
            "connect_timeout": acquire_timeout_s,
            "tcp_user_timeout": PEER_TIMEOUT_MS,
            "application_name": "salesos",
            "options": (
                f"-c statement_timeout={STATEMENT_TIMEOUT_MS}"
                f" -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_MS}"
            ),
        },
    )
    note_idle(engine)
    return engine


def open_sessions(engine: AsyncEngine) -> Sessions:
    """Return the factory of sessions; objects stay readable after a commit."""
    return async_sessionmaker(engine, expire_on_commit=False)


async def check_role(engine: AsyncEngine) -> None:
    """Make sure that row-level security binds the role that we run as.

    Raises:
        UnsafeRole: it is a superuser, bypasses row security, or owns tables (by itself or through a role).
        sqlalchemy.exc.OperationalError: the database cannot be reached.
    """
    async with engine.connect() as connection:
        role = (
            await connection.execute(text("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"))
        ).one()
        owned = await connection.scalar(
            text(
                "SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace"
                " AND relkind IN ('r', 'p') AND pg_has_role(current_user, relowner, 'MEMBER')"
            )
        )
    if role.rolsuper:
        raise UnsafeRole("the application's database role is a superuser")
    if role.rolbypassrls:
        raise UnsafeRole("the application's database role bypasses row-level security")
    if owned:
        raise UnsafeRole("the application's database role owns tables")


async def check_schema(engine: AsyncEngine, head: str) -> None:
    """Make sure that the database is migrated to this release.

    Raises:
        SchemaMismatch: it is not.
    """
    async with engine.connect() as connection:
        if await connection.scalar(text("SELECT to_regclass('alembic_version')")) is None:
            raise SchemaMismatch("the database is not migrated")
        version = await connection.scalar(text("SELECT version_num FROM alembic_version"))
    if version != head:
        raise SchemaMismatch(f"the database is at {version}, this release needs {head}")
