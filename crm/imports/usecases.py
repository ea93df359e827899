"""What people do with imports: upload a file, look at what it is, try a plan, start it, watch it, stop it."""

import asyncio
import contextlib
from collections.abc import AsyncIterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any, Final
from uuid import UUID

from obstore.store import ObjectStore

from crm.custom_fields.kinds import Definitions
from crm.custom_fields.store import CustomFieldStore
from crm.database import utc_now
from crm.identity.tokens import Identity
from crm.imports.batches import Batch, batches
from crm.imports.conflicts import faults_of
from crm.imports.csv_rows import BadFile, Form, Place, RowReader
from crm.imports.files import READ_BYTES, STORE_AWAY, drop, keep_upload, key_of, pieces_from
from crm.imports.guessing import guess
from crm.imports.jobs import FORGET, READ, queue_of
from crm.imports.model import Import, State
from crm.imports.plan import Plan
from crm.imports.reading import reader_of
from crm.imports.rows import Checked, Fault, RowCheck
from crm.imports.shape import CELL_CHARS_SHOWN, Shape, names_of, shape_of
from crm.imports.staging import Staging
from crm.imports.store import ImportStore
from crm.jobs.queue import JOBS
from crm.leads.model import DEFAULT_STATUS
from crm.pipelines.places import hold_place
from crm.pipelines.store import PipelineStore
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork
from events.ids import new_id

DRY_ROWS: Final = 50
# An upload that nobody starts is forgotten sooner than what became of one that was.
UNSTARTED_KEPT: Final = timedelta(days=7)
_SAMPLED_BYTES: Final = 256 * 1024


class ImportNotFound(Refusal):
    def __init__(self, import_id: UUID) -> None:
        super().__init__("import_not_found", {"import_id": str(import_id)})


class ImportNotReady(Refusal):
    def __init__(self, state: str, needs: str) -> None:
        super().__init__("import_not_ready", {"state": state, "needs": needs})


@dataclass(frozen=True, slots=True)
class Tried:
    """What would become of one row. `outcome` is created, updated, skipped or bad."""

    row: int
    line: int
    outcome: str
    lead_id: UUID | None  # whom it would meet
    values: dict[str, Any]
    faults: Sequence[Fault]


def unreadable(fault: BadFile) -> Refusal:
    told = {
        "line_too_long": "has a line that is too long for a table",
        "no_rows": "has no rows",
        "bad_first_row": "has quotes in its first row that are not written twice, or not closed",
        "too_many_columns": "has too many columns",
        "wrong_encoding": "is not in this encoding",
    }
    return Refusal("file_unreadable", {"fault": told[fault.code], "code": fault.code, "line": fault.line})


async def upload(
    file_name: str, pieces: AsyncIterable[bytes], person: Identity, unit: UnitOfWork, store: ObjectStore
) -> Import:
    """Take a file in and guess what its columns are.

    Raises:
        Refusal: `file_too_large`, `file_unreadable`, `upload_broken` or `store_away`; nothing is kept then.
    """
    made = Import(org_id=unit.org_id, id=new_id(), created_by=person.user_id, file_name=file_name)
    made.state = State.UPLOADING
    async with unit:
        unit.session.add(made)
        args = {"org_id": str(unit.org_id), "import_id": str(made.id)}
        # Whatever becomes of it, what people uploaded does not stay for good.
        await JOBS.defer(unit, FORGET, args, at=utc_now() + UNSTARTED_KEPT)
        await unit.commit()
    key = key_of(unit.org_id, made.id)
    try:
        learned, sample = await keep_upload(store, key, pieces)
        try:
            encoding, mark = learned.finish()
            shape = await asyncio.to_thread(shape_of, sample[mark:], encoding, whole=learned.size_bytes <= len(sample))
        except BadFile as fault:
            raise unreadable(fault) from None
    except Refusal:
        await _undo(made, unit, store)
        raise
    async with unit:
        held = await ImportStore(unit).lock(made.id)
        if held is None:
            raise ImportNotFound(made.id)
        held.size_bytes, held.begin_bytes, held.state = learned.size_bytes, mark, State.UPLOADED
        _take_shape(held, shape, await CustomFieldStore(unit).definitions())
        await unit.commit()
        return held


async def _undo(made: Import, unit: UnitOfWork, store: ObjectStore) -> None:
    try:
        await drop(store, key_of(unit.org_id, made.id))
    except STORE_AWAY:
        return  # the row stays, and the job that forgets it tries again
    async with unit:
        held = await ImportStore(unit).lock(made.id)
        if held is not None:
            await unit.session.delete(held)
        await unit.commit()


def _take_shape(held: Import, shape: Shape, fields: Definitions) -> None:
    form = shape.form
    held.form = {
        "encoding": form.encoding,
        "delimiter": form.delimiter,
        "newline": form.newline,
        "has_header": shape.has_header,
    }
    guesses = guess(shape.names, shape.rows, has_header=shape.has_header, fields=fields)
    held.columns = [
        {"name": name, "sample": _sample(shape.rows, place), "guess": told.to, "because": told.because}
        for place, (name, told) in enumerate(zip(shape.names, guesses, strict=True))
    ]


def _sample(rows: Sequence[Sequence[str]], place: int) -> str:
    cells = (row[place].replace("\x00", "\ufffd") for row in rows if place < len(row))
    return next((cell.strip()[:CELL_CHARS_SHOWN] for cell in cells if cell.strip()), "")


async def reshape(
    import_id: UUID, encoding: str | None, delimiter: str | None, has_header: bool | None, unit: UnitOfWork,
    store: ObjectStore,
) -> Import:  # fmt: skip
    """Read the file's beginning anew, as a person says that it is written; None: as it was guessed.

    Raises:
        ImportNotFound, ImportNotReady
        Refusal: `file_unreadable` that way, or `store_away`.
    """
    held = await read_import(import_id, unit)
    _need(held, State.UPLOADED)
    form = Form(encoding or held.form["encoding"], delimiter or held.form["delimiter"], held.form["newline"])
    header = held.form["has_header"] if has_header is None else has_header
    try:
        first = await asyncio.to_thread(_first_rows, store, held, form, DRY_ROWS + 1)
    except BadFile as fault:
        raise unreadable(fault) from None
    except STORE_AWAY:
        raise Refusal("store_away") from None
    if not first:
        raise unreadable(BadFile("no_rows", 1))
    names = names_of(first[0], has_header=header)
    shape = Shape(form, header, names, tuple(tuple(row) for row in first[1 if header else 0 :]))
    async with unit:
        locked = await ImportStore(unit).lock(import_id)
        if locked is None:
            raise ImportNotFound(import_id)
        _need(locked, State.UPLOADED)
        _take_shape(locked, shape, await CustomFieldStore(unit).definitions())
        await unit.commit()
        return locked


def _first_rows(store: ObjectStore, held: Import, form: Form, most: int) -> list[list[str]]:
    reader = RowReader(_beginning(store, held), form, Place(held.begin_bytes))
    return [record.cells for record in islice(reader, most) if not record.fault]


def _beginning(store: ObjectStore, held: Import) -> Iterator[bytes]:
    """Yield what a few rows may take, and no more of a long file."""
    taken = 0
    for piece in pieces_from(store, key_of(held.org_id, held.id), held.begin_bytes):
        yield piece
        taken += len(piece)
        if taken > max(_SAMPLED_BYTES, READ_BYTES) * 16:
            return


async def try_plan(import_id: UUID, plan: Plan, unit: UnitOfWork, store: ObjectStore) -> Sequence[Tried]:
    """Return what would become of the first rows; nothing is written.

    Raises:
        ImportNotFound, ImportNotReady
        Refusal: `file_unreadable` or `store_away`, or the plan names a place that leads cannot be in.
    """
    async with unit:
        held = await ImportStore(unit).get(import_id)
        if held is None:
            raise ImportNotFound(import_id)
        owners = await ImportStore(unit).owners()
        await _check_defaults(plan, unit)
        places = await PipelineStore(unit).places()
        fields = await CustomFieldStore(unit).definitions()
    _need(held, State.UPLOADED)
    check = _Kept(RowCheck(plan, held.column_names, owners, places, fields))
    try:
        parts = await asyncio.to_thread(_first_batches, store, held, plan, check)
    except BadFile as fault:
        raise unreadable(fault) from None
    except STORE_AWAY:
        raise Refusal("store_away") from None
    told: dict[int, tuple[str, UUID | None]] = {}
    refused: dict[int, list[Fault]] = {}
    async with unit:
        for part in parts:
            found = await Staging(unit).put(part, plan, utc_now(), tell_all=True)
            told |= found.told
            refused |= {n: faults_of(one, plan, held.column_names) for n, one in found.conflicts.items()}
        # Left without a commit: what would be done is undone.
    return [_tried(checked, told, refused) for checked in check.seen[:DRY_ROWS]]


class _Kept:
    """Checks rows and keeps them for whoever shows them."""

    def __init__(self, check: RowCheck) -> None:
        self._check = check
        self.seen: list[Checked] = []

    def check(self, record: Any) -> Checked:
        self.seen.append(self._check.check(record))
        return self.seen[-1]


def _first_batches(store: ObjectStore, held: Import, plan: Plan, check: Any) -> list[Batch]:
    reader = reader_of(held, _beginning(store, held), Place(held.begin_bytes))
    found: list[Batch] = []
    for batch in batches(reader, check, plan, DRY_ROWS):
        found.append(batch)
        if sum(part.rows for part in found) >= DRY_ROWS:
            break
    return found


def _tried(
    checked: Checked, told: Mapping[int, tuple[str, UUID | None]], refused: Mapping[int, Sequence[Fault]]
) -> Tried:
    number = checked.record.number
    values: dict[str, Any] = dict(checked.values)
    if checked.custom:
        values["custom_fields"] = checked.custom
    outcome, lead_id = told.get(number, ("bad", None))
    faults = [*checked.faults, *refused.get(number, ())]
    if number in refused:
        outcome = "bad"
    return Tried(number, checked.record.line, outcome, lead_id, values, faults)


async def start(import_id: UUID, plan: Plan, unit: UnitOfWork) -> Import:
    """Have the file read by a worker.

    Raises:
        ImportNotFound, ImportNotReady
        Refusal: the plan names a place that leads cannot be in.
    """
    async with unit:
        held = await ImportStore(unit).lock(import_id)
        if held is None:
            raise ImportNotFound(import_id)
        _need(held, State.UPLOADED)
        await _check_defaults(plan, unit)
        held.plan, held.state, held.started_at = plan.stored(), State.RUNNING, utc_now()
        held.place = {"offset": held.begin_bytes, "lines": 0, "rows": 0}
        args = {"org_id": str(unit.org_id), "import_id": str(import_id)}
        await JOBS.defer(unit, READ, args, lock=queue_of(unit.org_id))
        await unit.commit()
        return held


async def _check_defaults(plan: Plan, unit: UnitOfWork) -> None:
    status = plan.defaults.get("status", DEFAULT_STATUS)
    await hold_place(plan.defaults.get("pipeline"), status, unit, under="body.defaults")


async def cancel(import_id: UUID, unit: UnitOfWork, store: ObjectStore) -> Import:
    """Read no more of the file, and forget it; rows that are in stay. Raises ImportNotFound, ImportNotReady."""
    async with unit:
        held = await ImportStore(unit).lock(import_id)
        if held is None:
            raise ImportNotFound(import_id)
        _need(held, State.UPLOADED, State.RUNNING)
        held.state, held.finished_at = State.CANCELLED, utc_now()
        await unit.commit()
    with contextlib.suppress(*STORE_AWAY):  # the job that forgets imports deletes it later
        await drop(store, key_of(unit.org_id, import_id))
    return held


async def read_import(import_id: UUID, unit: UnitOfWork) -> Import:
    """Raises ImportNotFound."""
    async with unit:
        held = await ImportStore(unit).get(import_id)
        if held is None:
            raise ImportNotFound(import_id)
        return held


async def list_imports(unit: UnitOfWork, before: UUID | None, limit: int) -> Sequence[Import]:
    """Return the newest first; `before` is the id that the last page ended with."""
    async with unit:
        return await ImportStore(unit).newest(before, limit)


def _need(held: Import, *states: State) -> None:
    if held.state not in states:
        raise ImportNotReady(held.state, " or ".join(states))
