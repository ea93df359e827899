"""What the CRM says of itself, and what it answers while its database or Redis is away or used up."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from config.settings import Settings
from crm.app import create_app
from crm.database import POOL_MAX
from crm.resources import Resources, open_resources
from tests.crm.test_api import data, problem


async def test_all_well(client: httpx.AsyncClient) -> None:
    for path in ("/health/live", "/health/ready", "/health"):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["status"]) == (200, "healthy")
    assert set((await client.get("/health/ready")).json()["checks"]) == {"database", "redis", "object_store"}


async def test_redis_and_postgres_away(settings: Settings, config_folder: Path) -> None:
    nowhere = settings.model_copy(
        update={
            "redis_url": SecretStr("redis://127.0.0.1:1/0"),
            "database_url": SecretStr("postgresql://u:p@127.0.0.1:1/x"),
        }
    )
    resources = open_resources(nowhere, config_folder)
    transport = httpx.ASGITransport(create_app(nowhere, resources))
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://crm.test") as client:
            assert (await client.get("/health/live")).status_code == 200
            answer = await client.get("/health/ready")
            assert answer.status_code == 503
            assert {name: check["status"] for name, check in answer.json()["checks"].items()} == {
                **{"database": "unhealthy", "redis": "unhealthy", "object_store": "healthy"}
            }
            credentials = {"email": "a@b.c", "password": "x"}
            answer = await client.post("/api/sessions", json=credentials)
            problem(answer, 503, "database_away")
            assert "127.0.0.1" not in answer.text
    finally:
        await resources.aclose()


async def test_an_exhausted_pool_is_503(
    api: httpx.AsyncClient, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool: Any = resources.engine.pool
    monkeypatch.setattr(pool, "_timeout", 0.1)
    held = [await resources.engine.connect() for _ in range(POOL_MAX)]
    try:
        async with asyncio.timeout(5):
            problem(await api.get("/api/leads"), 503, "database_away")
    finally:
        for connection in held:
            await connection.close()
    data(await api.get("/api/leads"))
