"""Long files: in no more memory than short ones, and whole when workers are killed on the way."""

import asyncio
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from obstore.store import LocalStore

import crm
from config.settings import Settings
from crm.imports import batches, files
from crm.imports.files import key_of
from tests.crm.imports.desk import ImportDesk, counts, rows_of

KILLED_S = 30.0


async def test_an_import_takes_no_more_memory_the_longer_its_file_is(
    desk: ImportDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a million rows would take is what a batch takes; batches and pieces are small here so that few rows tell."""
    monkeypatch.setattr(batches.batches, "__defaults__", (100,))
    monkeypatch.setattr(files, "READ_BYTES", 4_096)

    async def peak(many: int, first: int) -> int:
        made = await desk.upload(rows_of(many, first))
        await desk.start(made)
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        await desk.read(made["id"])
        assert counts(await desk.shown(made["id"])) == (many, many, 0, 0, 0)
        return tracemalloc.get_traced_memory()[1] - before

    tracemalloc.start()
    try:
        await peak(300, 0)  # what is made once
        short, long = await peak(400, 10_000), await peak(1_600, 20_000)
    finally:
        tracemalloc.stop()
    # The 1 200 rows more would be several hundred kilobytes.
    assert long - short < 100_000


WORKER = """
import asyncio, sys
from obstore.store import LocalStore
from sqlalchemy import text
from crm.database import open_engine, open_sessions
from crm.imports import batches
from crm.imports.jobs import READ
from crm.work import Work

batches.batches.__defaults__ = (20,)

async def work(url, folder, org_id, import_id):
    engine = open_engine(url)
    things = dict.fromkeys(("redis", "notes", "usage", "post", "webhooks"))
    held = Work(sessions=open_sessions(engine), database_url=url, store=LocalStore(folder), secret_key="", **things)
    print("reading", flush=True)
    await READ.run(held, {"org_id": org_id, "import_id": import_id})

asyncio.run(work(*sys.argv[1:]))
"""


async def test_a_worker_that_is_killed_leaves_no_row_in_twice(
    desk: ImportDesk, settings: Settings, tmp_path: Path
) -> None:
    """Real processes and real kills, at moments that nobody chose."""
    folder = tmp_path / "store"
    desk = replace(desk, work=replace(desk.work, store=LocalStore(folder, mkdir=True)))
    body = rows_of(2_000)
    made = await desk.upload(body)
    key = key_of(desk.org.id, UUID(made["id"]))
    (folder / key).parent.mkdir(parents=True)
    (folder / key).write_bytes(body)
    await desk.start(made)
    assert settings.database_url is not None
    args = [settings.database_url.get_secret_value(), str(folder), str(desk.org.id), made["id"]]
    reached = []
    for rows in (1, 800):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WORKER, *args, stdout=asyncio.subprocess.DEVNULL, cwd=Path(crm.__path__[0]).parent
        )
        try:
            async with asyncio.timeout(KILLED_S):
                # What is waited for happens in another process.
                while (await desk.shown(made["id"]))["rows"] < rows and process.returncode is None:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        finally:
            process.kill()
            await process.wait()
        reached.append((await desk.shown(made["id"]))["rows"])
    assert 0 < reached[0] < reached[-1] < 2_000, "killed on the way"
    await desk.read(made["id"])
    assert counts(await desk.shown(made["id"])) == (2_000, 2_000, 0, 0, 0)
    names = [lead.name for lead in await desk.leads()]
    assert sorted(names) == sorted(["Dana", *(f"Person {number}" for number in range(2_000))])
