"""How many rows of a file become leads a second, and how much memory that takes.

The file is made as people's files are: numbers written in several ways, one row in ten of somebody who is there already
(by mail address or number), one in fifty that is set aside. It goes the whole way: uploaded into the object store,
then read by the worker's own job, slice by slice. Postgres is durable.

Reading and checking take one core, Postgres works on another meanwhile. The figure is rows for each second of computing
of both together, which is what a core does in a second, whoever else is on the machine; rows by the clock are told
beside it. The file is read by this process, whose memory is looked at on the way.
"""

import asyncio
import os
import random
import resource
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Final, cast
from uuid import UUID

from obstore.store import LocalStore
from redis.asyncio import Redis
from sqlalchemy import func, select

from bench.crm.measures import Bed, MeasureFailed
from bench.process_meter import tree_use
from crm.database import Sessions, open_engine, open_sessions
from crm.identity.model import Organisation
from crm.identity.tokens import Identity
from crm.imports.jobs import READ
from crm.imports.model import Import, ImportFault
from crm.imports.plan import plan_of
from crm.imports.usecases import read_import, start, upload
from crm.leads.model import Lead
from crm.mail.post import FolderPost
from crm.pipelines.places import found_pipeline
from crm.understanding.after_call import NoteDesk
from crm.unit_of_work import UnitOfWork
from crm.usage.reconcile import Sources
from crm.webhooks.sending import Sender
from crm.work import Work
from events.ids import new_id

ROWS: Final = 1_000_000
TWICE_EVERY: Final = 10
BAD_EVERY: Final = 50
# Past the first tenth nothing may be kept of the rows that went by.
GROWTH_BYTES_MAX: Final = 48 * 1024 * 1024
LINES_AT_ONCE: Final = 2_000
SLICES_MAX: Final = 1_000
HEADER: Final = "Nome;E-mail;Celular;Empresa;Pontuação;Cidade;Observações\n"
COLUMNS: Final = ("name", "email", "phone", "company", "score", "custom_fields.city", "notes")


async def measure_imports(bed: Bed) -> Mapping[str, float]:
    """Raises MeasureFailed: rows were lost or doubled, or memory grew with the file."""
    many = ROWS // 10 if bed.small else ROWS
    engine = open_engine(bed.database.app_url)
    try:
        sessions = open_sessions(engine)
        work = _work(bed, sessions)
        org_id = await _found(sessions)
        made = await _upload(work, org_id, many)
        began, own, both = time.perf_counter(), time.process_time(), tree_use(os.getpid()).cpu_s
        peaks = await _read(work, org_id, made.id, many)
        took_s, own_s = time.perf_counter() - began, time.process_time() - own
        both_s = tree_use(os.getpid()).cpu_s - both
        await _check(sessions, org_id, made.id, many)
    finally:
        await engine.dispose()
    bed.tell(f"imports: {many} rows in {took_s:.1f} s by the clock, {many / took_s:.0f} a second")
    bed.tell(f"imports: {own_s:.1f} s of computing here, {both_s:.1f} s with Postgres's")
    bed.tell(f"imports: peak memory {peaks[0] / 2**20:.0f} MB after a tenth, {peaks[1] / 2**20:.0f} MB at the end")
    if peaks[1] - peaks[0] > GROWTH_BYTES_MAX:
        raise MeasureFailed("memory grew with the file")
    return {"import_rows_per_s": many / both_s}


def rows(many: int) -> Iterator[str]:
    """Yield the file's lines behind its header, the same each time."""
    chance = random.Random(7)  # noqa: S311 - the same file each time
    for number in range(many):
        who = chance.randrange(number) if number and number % TWICE_EVERY == 0 else number
        digits = f"{who % 10**8:08d}"
        phone = (
            f"+55 11 9{digits[:4]}-{digits[4:]}",
            f"(21) 9{digits[:4]}-{digits[4:]}",
            f"55319{digits}",
            f"+1 (202) 5{who % 90 + 10:02d}-{who // 90 % 10_000:04d}" if who < 900_000 else f"+5541 9{digits}",
        )[who % 4]
        mail = "no mail" if number % BAD_EVERY == 7 else f"Person.{who}@Mail{who % 97}.example.com"
        note = f'"said ""call me"", number {number}"' if number % 5 == 0 else ""
        yield f"Person {who} da Silva;{mail};{phone};Company {who % 1_000};{who % 101};City {who % 500};{note}\n"


async def _upload(work: Work, org_id: UUID, many: int) -> Import:
    async def sent() -> AsyncIterator[bytes]:
        yield HEADER.encode()
        lines: list[str] = []
        for line in rows(many):
            lines.append(line)
            if len(lines) == LINES_AT_ONCE:
                yield "".join(lines).encode()
                lines.clear()
        yield "".join(lines).encode()

    person = Identity(new_id(), "bench@example.com", "admin", org_id, new_id())
    unit = UnitOfWork(work.sessions, org_id)
    made = await upload("people.csv", sent(), person, unit, work.store)
    names = [column["name"] for column in made.columns]
    how = {"match_on": ("email", "phone"), "region": "BR", "defaults": {}}
    plan = plan_of(list(zip(names, COLUMNS, strict=True)), names, when_found="skip", **how)  # type: ignore[arg-type]  # as named
    return await start(made.id, plan, unit)


async def _read(work: Work, org_id: UUID, import_id: UUID, many: int) -> tuple[int, int]:
    """Do the job slice by slice, as the queue would; return the peaks of memory after a tenth and at the end."""
    first = 0
    args = {"org_id": str(org_id), "import_id": str(import_id)}
    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(_slices(work, args), name="bench.import")
        while not reading.done():
            await asyncio.wait({reading}, timeout=0.5)
            if not first:
                held = await read_import(import_id, UnitOfWork(work.sessions, org_id))
                first = _peak() if held.rows >= many // 10 else 0
    return first or _peak(), _peak()


async def _slices(work: Work, args: dict[str, str]) -> None:
    org_id, import_id = UUID(args["org_id"]), UUID(args["import_id"])
    for _ in range(SLICES_MAX):
        await READ.run(work, args)
        if (await read_import(import_id, UnitOfWork(work.sessions, org_id))).state != "running":
            return
    raise MeasureFailed("the import did not end")


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


async def _check(sessions: Sessions, org_id: UUID, import_id: UUID, many: int) -> None:
    async with UnitOfWork(sessions, org_id) as unit:
        held = await unit.session.get(Import, (org_id, import_id))
        assert held is not None, "it was read just now"
        leads = await unit.session.scalar(select(func.count()).where(Lead.org_id == org_id))
        faults = await unit.session.scalar(select(func.count()).where(ImportFault.org_id == org_id))
    told = f"{held.state}: {held.rows} rows, {held.created} created, {held.skipped} skipped, {held.bad} bad"
    bad = len(range(7, many, BAD_EVERY))
    if held.state != "finished" or held.rows != many or (leads, faults) != (held.created, held.bad) or held.bad != bad:
        raise MeasureFailed(f"{told}; {leads} leads and {faults} faults are there, {bad} rows are bad")
    # Who was bad at first may be created by the row that names them again; nobody else is there twice.
    if not 0 <= many - bad - held.created <= many // TWICE_EVERY or held.skipped != many - bad - held.created:
        raise MeasureFailed(told)


async def _found(sessions: Sessions) -> UUID:
    org_id = new_id()
    async with UnitOfWork(sessions, org_id) as unit:
        unit.session.add(Organisation(id=org_id, name="Bench", slug=f"bench-{org_id.hex}"))
        await unit.session.flush()
        await found_pipeline(unit)
        await unit.commit()
    return org_id


def _work(bed: Bed, sessions: Sessions) -> Work:
    """A worker's things, as far as imports use them."""
    store = LocalStore(bed.folder / "imports", automatic_cleanup=True, mkdir=True)
    return Work(
        sessions=sessions,
        database_url=bed.database.app_url,
        redis=cast(Redis, None),
        store=store,
        notes=cast(NoteDesk, None),
        usage=Sources({}, cast(Path | None, None), 0.05),
        post=FolderPost(bed.folder / "letters", "bench@example.com"),
        webhooks=Sender(),
        secret_key="-",  # noqa: S106 - nothing is signed
    )
