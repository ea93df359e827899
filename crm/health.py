"""/health: whether the process lives, and whether it can work (S9, W11)."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from crm.access import Held
from crm.calls.recordings import STORE_AWAY
from crm.database import utc_now
from crm.resources import Resources

CHECK_TIMEOUT_S: Final = 3.0
PROBE_KEY: Final = "health-probe-that-is-not-there"
_FAILS: Final = (*STORE_AWAY, RedisError, SQLAlchemyError)

router = APIRouter()


@router.get("/health/live", include_in_schema=False)
async def get_live() -> JSONResponse:
    return _answer("healthy", {})


@router.get("/health/ready", include_in_schema=False)
async def get_ready(held: Held) -> JSONResponse:
    return await _checked(held, {"database": _database, "redis": _redis, "object_store": _object_store})


@router.get("/health", include_in_schema=False)
async def get_health(held: Held) -> JSONResponse:
    """What is ours to run: database and Redis; the store counts as outside, being somebody's cloud."""
    return await _checked(held, {"database": _database, "redis": _redis, "external_apis": _object_store})


Check = Callable[[Resources], Awaitable[None]]


async def _checked(held: Resources, checks: dict[str, Check]) -> JSONResponse:
    async with asyncio.TaskGroup() as tasks:
        running = {name: tasks.create_task(_passes(check, held)) for name, check in checks.items()}
    results = {name: {"status": "healthy" if task.result() else "unhealthy"} for name, task in running.items()}
    healthy = all(task.result() for task in running.values())
    return _answer("healthy" if healthy else "unhealthy", results)


def _answer(status: str, checks: dict[str, Any]) -> JSONResponse:
    healthy = status == "healthy"
    now = utc_now().isoformat()
    body = {"success": healthy, "data": {"checks": checks}, "status": status, "checks": checks, "timestamp": now}
    return JSONResponse(body, 200 if healthy else 503)


async def _passes(check: Check, held: Resources) -> bool:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            await check(held)
    except _FAILS:
        return False
    return True


async def _database(held: Resources) -> None:
    async with held.engine.connect() as connection:
        await connection.execute(text("SELECT 1"))


async def _redis(held: Resources) -> None:
    await held.redis.ping()


async def _object_store(held: Resources) -> None:
    try:
        await held.store.head_async(PROBE_KEY)
    except FileNotFoundError:
        # It answered, and rightly.
        return
