"""What a process keeps of prompts: for minutes, bounded, never a stale choice, and used on without the database."""

import asyncio

import httpx
import pytest
from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from crm.database import Sessions, open_engine, open_sessions
from crm.prompts import book as book_module
from crm.prompts.book import KEPT_S, PromptBook, VersionNotFound
from salesos.embedded.postgres import PostgresAddresses
from tests.crm.cable import Cable
from tests.crm.conftest import Org
from tests.crm.prompts.test_usecases import add, write
from tests.crm.test_api import data


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Versions:
    """Counts how often a version's text is read from the database."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.reads = 0
        event.listen(engine.sync_engine, "before_cursor_execute", self._count)

    def _count(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        self.reads += "FROM prompt_versions" in statement


async def test_a_text_is_read_once_in_five_minutes(
    api: httpx.AsyncClient, engine: AsyncEngine, sessions: Sessions, org: Org
) -> None:
    await write(api)
    clock, versions = Clock(), Versions(engine)
    book = PromptBook(sessions, clock)
    for moment, reads in [(0.0, 1), (1.0, 1), (KEPT_S, 1), (KEPT_S + 1, 2), (KEPT_S + 2, 2)]:
        clock.now = moment
        assert (await book.read(org.id, "sales", "latest")).number == "1.0"
        assert versions.reads == reads, f"at {moment} s"


async def test_what_is_in_force_is_known_at_once_also_when_another_process_changed_it(
    api: httpx.AsyncClient, sessions: Sessions, org: Org
) -> None:
    await write(api)
    await add(api, "second")
    other = PromptBook(sessions, Clock())
    assert (await other.read(org.id, "sales", "latest")).number == "1.0"
    data(await api.put("/api/prompts/sales/active", json={"version": "1.1"}))
    assert (await other.read(org.id, "sales", "latest")).text == "second"
    data(await api.post("/api/prompts/sales/rollback"))
    assert (await other.read(org.id, "sales", "latest")).number == "1.0"


async def test_no_more_is_kept_than_fits_and_the_oldest_goes(
    api: httpx.AsyncClient, engine: AsyncEngine, sessions: Sessions, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write(api)
    await add(api, "b")
    await add(api, "c")
    monkeypatch.setattr(book_module, "KEPT_MAX", 2)
    versions = Versions(engine)
    book = PromptBook(sessions, Clock())
    for wanted, reads in [("1.0", 1), ("1.1", 2), ("1.0", 2), ("1.2", 3), ("1.0", 3), ("1.1", 4)]:
        await book.read(org.id, "sales", wanted)
        assert versions.reads == reads, wanted


async def test_the_database_away_the_known_prompt_goes_on_being_used(
    api: httpx.AsyncClient, postgres: PostgresAddresses, org: Org
) -> None:
    await write(api)
    await add(api, "never asked for")
    address = make_url(postgres.app_url)
    assert address.port is not None
    async with Cable(address.port) as cable:
        engine = open_engine(address.set(host="127.0.0.1", port=cable.port).render_as_string(hide_password=False))
        clock = Clock()
        book = PromptBook(open_sessions(engine), clock)
        try:
            known = await book.read(org.id, "sales", "latest")
            await cable.pull()
            clock.now = 10 * KEPT_S
            assert await book.read(org.id, "sales", "latest") == known
            for wanted in ("1.1", "latest"):
                with pytest.raises((DBAPIError, OSError, TimeoutError)):
                    await book.read(org.id, "sales" if wanted == "1.1" else "unknown", wanted)
            await cable.plug()
            async with asyncio.timeout(10):
                assert (await book.read(org.id, "sales", "1.1")).text == "never asked for"
        finally:
            await engine.dispose()


async def test_a_number_that_is_none(api: httpx.AsyncClient, sessions: Sessions, org: Org) -> None:
    await write(api)
    for wanted in ("", "two", "9.9"):
        with pytest.raises(VersionNotFound):
            await PromptBook(sessions, Clock()).read(org.id, "sales", wanted)
