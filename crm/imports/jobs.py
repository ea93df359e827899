"""The jobs that read a file, and that forget it.

Reading is done in batches, each one transaction that moves the place behind its rows too: a worker that dies leaves
its batch undone, whole, and the next one goes on behind the last that was done.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import timedelta
from time import monotonic
from typing import Any, Final
from uuid import UUID

import structlog

from crm.author import Author, By
from crm.custom_fields.store import CustomFieldStore
from crm.database import utc_now
from crm.duplicates.jobs import put_in_search
from crm.imports.batches import Batch, batches, cells_of
from crm.imports.conflicts import faults_of
from crm.imports.csv_rows import BadFile, Place
from crm.imports.files import drop, key_of, pieces_from
from crm.imports.model import Import, ImportFault, State
from crm.imports.plan import Plan, restored
from crm.imports.reading import following, reader_of
from crm.imports.rows import RowCheck
from crm.imports.staging import Outcome, Staging
from crm.imports.store import ImportStore
from crm.jobs.backoff import tries_within
from crm.jobs.giving_up import is_dead, tell_who_asked
from crm.jobs.port import Args, Task
from crm.jobs.queue import JOBS
from crm.outbox.emitting import OUTBOX
from crm.pipelines.store import PipelineStore
from crm.scoring.jobs import ask_for_scores
from crm.unit_of_work import UnitOfWork
from crm.work import Work

# A long file is read by several jobs, one after the other, so that other work is not held up by it.
SLICE_S: Final = 20.0
# The store may be away for so long.
TRIED_FOR_S: Final = 6 * 3_600
KEPT: Final = timedelta(days=30)
ASKED_AGAIN: Final = timedelta(days=1)
GIVEN_UP: Final = {"code": "given_up"}
_OVER: Final = frozenset({State.FINISHED, State.FAILED, State.CANCELLED})

log = structlog.get_logger()


def queue_of(org_id: UUID) -> str:
    """What jobs that write many leads lock: an organisation's are done one at a time."""
    return f"imports:{org_id}"


async def _read(work: Work, args: Args) -> None:
    org_id, import_id = UUID(str(args["org_id"])), UUID(str(args["import_id"]))
    key = key_of(org_id, import_id)
    async with UnitOfWork(work.sessions, org_id) as unit:
        held = await ImportStore(unit).get(import_id)
        owners = await ImportStore(unit).owners()
        places = await PipelineStore(unit).places()
        fields = await CustomFieldStore(unit).definitions()
        if held is not None and held.state == State.FAILED and held.fault == GIVEN_UP:
            # Its dead job was revived: it goes on behind what is in.
            held.state, held.fault, held.finished_at = State.RUNNING, {}, None
            await unit.commit()
    if held is None or held.state in _OVER or held.plan is None:
        await drop(work.store, key)
        return
    plan, place = restored(held.plan), Place(**held.place)

    columns = held.column_names

    def read() -> Iterator[Batch]:
        reader = reader_of(held, pieces_from(work.store, key, place.offset), place)
        yield from batches(reader, RowCheck(plan, columns, owners, places, fields), plan)

    desk = _Desk(work, org_id, import_id, plan)
    found, until = read(), monotonic() + SLICE_S
    coming = await following(found)
    while isinstance(coming, Batch):
        # The next batch is read while the database works on this one.
        async with asyncio.TaskGroup() as tasks:
            next_one = tasks.create_task(following(found), name="imports.read")
            went_in = await desk.put(coming, place)
        if not went_in:
            return  # cancelled, or another worker is at it
        place, coming = coming.place, next_one.result()
        if monotonic() > until:
            await desk.go_on_later()
            return
    await desk.end(coming)
    await drop(work.store, key)


class _Desk:
    """What one job writes about its import."""

    def __init__(self, work: Work, org_id: UUID, import_id: UUID, plan: Plan) -> None:
        self._work = work
        self._org_id = org_id
        self._import_id = import_id
        self._plan = plan

    async def put(self, batch: Batch, before: Place) -> bool:
        """Put a batch in and move the place behind it; False when the import is no more at the place before it."""
        now = utc_now()
        author = Author(By.IMPORT, self._import_id)
        async with UnitOfWork(self._work.sessions, self._org_id, by=author) as unit:
            held = await ImportStore(unit).lock(self._import_id)
            if held is None or held.state != State.RUNNING or Place(**held.place) != before:
                return False
            staging = Staging(unit)
            outcome = await staging.put(batch, self._plan, now, held.created_by)
            if batch.refusals:
                await staging.refuse(f"file {held.file_name}", held.created_by, now)
            if batch.bad:
                await staging.set_aside(held.id)
            unit.session.add_all(self._conflicts(batch, outcome, held.column_names))
            held.rows += batch.rows
            held.created += outcome.created
            held.updated += outcome.updated
            held.skipped += outcome.skipped
            held.bad += batch.bad + len(outcome.conflicts)
            held.place = {"offset": batch.place.offset, "lines": batch.place.lines, "rows": batch.place.rows}
            await unit.commit()
        return True

    def _conflicts(self, batch: Batch, outcome: Outcome, columns: Sequence[str]) -> Iterator[ImportFault]:
        for number, conflict in outcome.conflicts.items():
            faults = [asdict(fault) for fault in faults_of(conflict, self._plan, columns)]
            record = batch.records[number]
            told: dict[str, Any] = {"faults": faults, "cells": cells_of(record)}
            yield ImportFault(org_id=self._org_id, import_id=self._import_id, row=number, line=record.line, **told)

    async def go_on_later(self) -> None:
        async with UnitOfWork(self._work.sessions, self._org_id) as unit:
            args = {"org_id": str(self._org_id), "import_id": str(self._import_id)}
            await JOBS.defer(unit, READ, args, lock=queue_of(self._org_id))
            await unit.commit()

    async def end(self, why: BadFile | Exception | None) -> None:
        """Write down that the file is read, or why it cannot be.

        Raises:
            What the store raises when it is away: the job is tried again.
        """
        match why:
            case None:
                fault: dict[str, Any] = {}
            case BadFile(code=code, line=line):
                fault = {"code": code, "line": line}
            case FileNotFoundError():
                fault = {"code": "file_gone"}
            case _:
                raise why
        async with UnitOfWork(self._work.sessions, self._org_id) as unit:
            held = await ImportStore(unit).lock(self._import_id)
            if held is None or held.state != State.RUNNING:
                return
            held.state = State.FAILED if fault else State.FINISHED
            held.fault, held.finished_at = fault, utc_now()
            await OUTBOX.emit(unit, "import.finished", _told(held))
            if held.created or held.updated:
                await ask_for_scores(unit)
            if held.created:
                # Whoever is new may be somebody that the keys did not tell.
                await put_in_search(unit)
            await unit.commit()
        log.info("import.finished", **_told(held), fault=fault.get("code", ""))


def _told(held: Import) -> dict[str, Any]:
    counts = ("rows", "created", "updated", "skipped", "bad")
    return {"import_id": str(held.id), "state": str(held.state)} | {name: getattr(held, name) for name in counts}


async def _give_up(work: Work, args: Args) -> None:
    org_id, import_id = UUID(str(args["org_id"])), UUID(str(args["import_id"]))
    async with UnitOfWork(work.sessions, org_id) as unit:
        held = await ImportStore(unit).lock(import_id)
        if held is None or held.state != State.RUNNING or not await is_dead(args, unit):
            return
        held.state, held.fault, held.finished_at = State.FAILED, dict(GIVEN_UP), utc_now()
        await OUTBOX.emit(unit, "import.finished", _told(held))
        if held.created or held.updated:
            await ask_for_scores(unit)
        text = (
            f"The file {held.file_name} could be read no further than row {held.rows}, however often it was tried. "
            f"What was read is in. Whoever runs the server finds why under job {args['job_id']}; when that is mended "
            "and the job is tried again, the import goes on from there.\n"
        )
        await tell_who_asked(held.created_by, "Your import of leads failed", text, args, unit)
        await unit.commit()
    log.error("import.given_up", import_id=str(import_id), job_id=args["job_id"])


async def _forget(work: Work, args: Args) -> None:
    org_id, import_id = UUID(str(args["org_id"])), UUID(str(args["import_id"]))
    async with UnitOfWork(work.sessions, org_id) as unit:
        held = await ImportStore(unit).lock(import_id)
        now = utc_now()
        if held is not None and held.state not in (State.UPLOADING, State.UPLOADED):
            over = held.created_at + KEPT
            if now < over or held.state == State.RUNNING:
                await JOBS.defer(unit, FORGET, args, at=max(over, now + ASKED_AGAIN))
                await unit.commit()
                return
        # The file first: a row without its file is found again, a file without its row is not.
        await drop(work.store, key_of(org_id, import_id))
        if held is not None:
            await unit.session.delete(held)
        await unit.commit()


GIVE_UP: Final = Task("imports.give_up", _give_up)
READ: Final = Task("imports.read", _read, tries_max=tries_within(TRIED_FOR_S), when_dead=GIVE_UP)
FORGET: Final = Task("imports.forget", _forget, tries_max=tries_within(TRIED_FOR_S))
TASKS: Final = (READ, GIVE_UP, FORGET)
