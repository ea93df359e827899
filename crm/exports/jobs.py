"""The jobs that write an export's files, and that delete them.

An export is written anew by whoever takes it up after a worker died: it changes nothing but its own files. It is no
moment's picture: leads that are added meanwhile may be in it, each lead is in it once.
"""

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import obstore
import structlog
from obstore.exceptions import BaseError
from pydantic import TypeAdapter
from sqlalchemy import select

from crm.custom_fields.store import CustomFieldStore
from crm.database import utc_now
from crm.exports.columns import CustomNames, cells_of, header_of
from crm.exports.links import link_of
from crm.exports.model import Export, Format, State
from crm.exports.store import ExportStore
from crm.exports.tables import CsvTable, Form, Table, XlsxTable
from crm.identity.model import User
from crm.jobs.backoff import tries_within
from crm.jobs.giving_up import is_dead, tell_who_asked
from crm.jobs.port import Args, Queue, Task
from crm.jobs.queue import JOBS
from crm.leads.filters import LeadFilters
from crm.leads.lists import LeadLists
from crm.leads.model import Lead
from crm.mail.port import Letter
from crm.mail.posting import MAIL
from crm.page_cursor import Cursor
from crm.unit_of_work import UnitOfWork
from crm.work import Work

LINK_LIFETIME: Final = timedelta(hours=24)
PAGE: Final = 2_000
GIVEN_UP: Final = "given_up"
TRIED_FOR_S: Final = 6 * 3_600
# The least that a store takes of a part, and how slow it may be.
STORE_S: Final = 30.0
SLOWEST_BYTES_S: Final = 250_000
FILTERS: Final = TypeAdapter(LeadFilters)

log = structlog.get_logger()


def key_of(org_id: UUID, export_id: UUID, number: int) -> str:
    return f"exports/{org_id}/{export_id}/{number}"


def name_of(export: Export) -> str:
    return f"leads {export.created_at:%Y-%m-%d}"


async def _write(work: Work, args: Args) -> None:
    org_id, export_id = UUID(str(args["org_id"])), UUID(str(args["export_id"]))
    async with UnitOfWork(work.sessions, org_id) as unit:
        held = await ExportStore(unit).get(export_id)
        people = await ExportStore(unit).people()
        if held is None or held.state not in (State.WAITING, State.FAILED):
            return
        if held.state == State.FAILED:
            # Its dead job was revived.
            held.state, held.fault = State.WAITING, ""
            await unit.commit()
    filters = FILTERS.validate_python(held.filters)
    custom, others = await _custom_names(work, org_id, filters)
    with tempfile.TemporaryDirectory(prefix="salesos-export-") as folder:
        made = XlsxTable if held.format == Format.XLSX else CsvTable
        form = Form(Path(folder), name_of(held), header_of(custom, others=others))
        table: Table = await asyncio.to_thread(made, form)
        rows = 0
        async with aclosing(_pages(work, org_id, filters)) as pages:
            async for leads in pages:
                cells = [cells_of(lead, people, custom, others=others) for lead in leads]
                await asyncio.to_thread(table.add, cells)
                rows += len(leads)
        files = []
        for number, path in enumerate(await asyncio.to_thread(table.finish)):
            size = path.stat().st_size
            async with asyncio.timeout(STORE_S + size / SLOWEST_BYTES_S):
                await obstore.put_async(work.store, key_of(org_id, export_id, number), path, max_concurrency=2)
            files.append({"name": path.name, "size_bytes": size})
    await _finish(work, org_id, export_id, rows, files)


async def _pages(work: Work, org_id: UUID, filters: LeadFilters) -> AsyncGenerator[Sequence[Lead], None]:
    cursor: Cursor | None = None
    while True:
        async with UnitOfWork(work.sessions, org_id) as unit:
            leads = await LeadLists(unit).following(cursor, PAGE, "created_at", "asc", filters)
        if leads:
            yield leads
        if len(leads) < PAGE:
            return
        cursor = Cursor("", leads[-1].created_at, leads[-1].id)


async def _custom_names(work: Work, org_id: UUID, filters: LeadFilters) -> tuple[Sequence[str], bool]:
    """Return the names of the leads' custom fields: a pass of its own, since they make the header."""
    async with UnitOfWork(work.sessions, org_id) as unit:
        names = CustomNames([field.key for field in await CustomFieldStore(unit).all()])
    cursor: Cursor | None = None
    while True:
        async with UnitOfWork(work.sessions, org_id) as unit:
            listing = LeadLists(unit).listing(cursor, PAGE, "created_at", "asc", filters)
            found = (await unit.session.execute(_only_custom(listing))).all()
        for row in found:
            names.add(row.custom_fields)
        if len(found) < PAGE:
            return names.chosen()
        cursor = Cursor("", found[-1].created_at, found[-1].id)


def _only_custom(listing: Any) -> Any:
    return listing.with_only_columns(Lead.created_at, Lead.id, Lead.custom_fields)


async def _finish(work: Work, org_id: UUID, export_id: UUID, rows: int, files: list[dict[str, Any]]) -> None:
    now = utc_now()
    async with UnitOfWork(work.sessions, org_id) as unit:
        held = await ExportStore(unit).lock(export_id)
        if held is None or held.state != State.WAITING:
            return
        held.state, held.rows, held.files = State.FINISHED, rows, files
        held.finished_at, held.expires_at = now, now + LINK_LIFETIME
        await JOBS.defer(unit, FORGET, {"org_id": str(org_id), "export_id": str(export_id)}, at=held.expires_at)
        await _tell(held, work, unit)
        await unit.commit()
    # Who took what out of the house: ids and counts.
    log.info("export.finished", export_id=str(export_id), by=str(held.created_by), rows=rows, files=len(files))


async def _tell(held: Export, work: Work, unit: UnitOfWork) -> None:
    """Post the links to whoever asked."""
    person = await unit.session.scalar(select(User.email).where(User.id == held.created_by))
    if person is None or held.expires_at is None:
        return
    links = [
        f"{told['name']}: {work.site_url.rstrip('/')}"
        + link_of(held.org_id, held.id, number, held.expires_at, work.secret_key)
        for number, told in enumerate(held.files)
    ]
    text = (
        f"The leads that you exported, {held.rows} of them:\n\n" + "\n".join(links) + "\n\n"
        f"The links work until {held.expires_at:%Y-%m-%d %H:%M} UTC for whoever has them: do not pass this letter on.\n"
    )
    await MAIL.send(unit, Letter(person, "Your export of leads", text), key=f"export:{held.id}")


async def _give_up(work: Work, args: Args) -> None:
    org_id, export_id = UUID(str(args["org_id"])), UUID(str(args["export_id"]))
    async with UnitOfWork(work.sessions, org_id) as unit:
        held = await ExportStore(unit).lock(export_id)
        if held is None or held.state != State.WAITING or not await is_dead(args, unit):
            return
        held.state, held.fault = State.FAILED, GIVEN_UP
        text = (
            f"The leads that you wanted exported on {held.created_at:%Y-%m-%d %H:%M} UTC could not be written, however "
            "often it was tried. Ask for them again; if that fails too, whoever runs the server finds why under job "
            f"{args['job_id']}.\n"
        )
        await tell_who_asked(held.created_by, "Your export of leads failed", text, args, unit)
        await unit.commit()
    log.error("export.given_up", export_id=str(export_id), job_id=args["job_id"])


async def _forget(work: Work, args: Args) -> None:
    org_id, export_id = UUID(str(args["org_id"])), UUID(str(args["export_id"]))
    prefix = f"exports/{org_id}/{export_id}"
    async with asyncio.timeout(STORE_S):
        listed: Any = await obstore.list(work.store, prefix).collect_async()
        for item in listed:
            await _drop(work, str(item["path"]))
    async with UnitOfWork(work.sessions, org_id) as unit:
        held = await ExportStore(unit).lock(export_id)
        if held is not None:
            held.state = State.EXPIRED
        await unit.commit()


async def _drop(work: Work, key: str) -> None:
    try:
        await obstore.delete_async(work.store, key)
    except FileNotFoundError:
        return


STORE_AWAY: Final = (BaseError, OSError, TimeoutError)
GIVE_UP: Final = Task("exports.give_up", _give_up)
WRITE: Final = Task("exports.write", _write, queue=Queue.LONG, tries_max=tries_within(TRIED_FOR_S), when_dead=GIVE_UP)
FORGET: Final = Task("exports.forget", _forget, tries_max=tries_within(TRIED_FOR_S))
TASKS: Final = (WRITE, GIVE_UP, FORGET)
