"""Writing the notes of a call that is over: the worker's part (S74, S139).

One request to the organisation's model gives fields and summary; what the model costs is counted, what was said is
logged nowhere. A failure is tried again, a few times with longer and longer pauses, then it is left to people.
Switched-off models cost no attempt: the notes wait for them, and after a day they are left to people as well.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

import structlog
from redis.asyncio import Redis
from sqlalchemy.exc import SQLAlchemyError

from agent.llm.call_notes import WRITE_NOTES
from agent.llm.playbook import Playbook
from agent.llm.playbook_file import BadPlaybook, parse
from agent.llm.port import Failure, Model, ModelUnavailable, Request, ToolCall
from agent.llm.race import Patience
from agent.llm.registry import SCRIPTED, Models, UnknownModel
from agent.llm.usage import ModelCall, Price
from config.model_prices import read_model_prices
from config.settings import Settings
from crm.bus import REDIS_AWAY
from crm.calls.playbooks import PlaybookUnusable, read_playbook
from crm.database import Sessions, utc_now
from crm.understanding.fields import BadNotes, Field, Notes, read_notes
from crm.understanding.material import Material, read_material
from crm.understanding.model import Source, Status
from crm.understanding.store import NoteDutyStore, NoteStore
from crm.understanding.writing import count, save, unusable
from crm.unit_of_work import UnitOfWork
from crm.usage.book import UsageBook
from events.sealed_secret import BadSecret, unseal
from events.wire import MODELS_OFF

LEASE: Final = timedelta(minutes=3)  # of one call's notes, for one worker
ASK_TIMEOUT_S: Final = 60.0
ATTEMPTS_MAX: Final = 4
PAUSES: Final = (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10))
LOOK_EVERY_S: Final = 1.0  # for calls that are over
OFF_PAUSE: Final = timedelta(minutes=1)
OFF_MAX: Final = timedelta(days=1)
# Nobody is on the telephone; the answer is one tool call, which arrives in one piece at its end.
UNHURRIED: Final = Patience(
    hedge_after_s=25.0, first_token_s=25.0, next_token_s=25.0, late_after_s=25.0, give_up_s=55.0, retry_after_s=2.0
)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class NoteDesk:
    """What the process writes notes with."""

    models: Models
    names: tuple[str, ...]  # the operator's models, in the order in which they are asked
    playbooks: Path
    secret_key: str


@dataclass(slots=True)
class Spent:
    """What the requests for one call's notes took."""

    calls: list[ModelCall] = field(default_factory=list)


@asynccontextmanager
async def open_note_desk(settings: Settings, sessions: Sessions, playbooks: Path) -> AsyncGenerator[NoteDesk]:
    """Open what the process writes notes with, for as long as it is entered. Raises BadModelPrices."""
    prices = {name: Price(*price) for name, price in read_model_prices().items()}
    urls = settings.model_base_urls
    async with (
        UsageBook.running(sessions) as book,
        Models(settings.model_keys, base_urls=urls, prices=prices, on_call=book.note_and_log) as models,
    ):
        yield NoteDesk(models, settings.models, playbooks, settings.secret_key.get_secret_value())


async def write_until(stop: asyncio.Event, sessions: Sessions, redis: Redis, desk: NoteDesk) -> None:
    """Write what is due until told to stop. Postgres or Redis away: goes on when they are back."""
    away = False
    while not stop.is_set():
        busy = False
        try:
            busy = await write_one(sessions, redis, desk)
        except (*REDIS_AWAY, SQLAlchemyError) as error:
            if not away:
                log.warning("notes.paused", error=type(error).__name__)
            away = True
        else:
            if away:
                log.info("notes.resumed")
            away = False
        if not busy:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await stop.wait()


async def write_one(sessions: Sessions, redis: Redis, desk: NoteDesk) -> bool:
    """Write the notes of one call that is due; False when none is.

    Raises:
        SQLAlchemyError, RedisError, OSError, TimeoutError: Postgres or Redis away; the lease ends by itself.
    """
    async with UnitOfWork(sessions) as unit:
        due = await NoteDutyStore(unit).lease(LEASE)
        await unit.commit()
    if due is None:
        return False
    org_id, call_id = due
    unit = UnitOfWork(sessions, org_id)
    material = await read_material(call_id, unit, desk.names)
    if material is None:
        return True
    names = material.models
    if await redis.exists(MODELS_OFF):
        names = tuple(name for name in names if name == SCRIPTED)
        if not names:
            await _wait(call_id, unit)
            return True
    spent = Spent()
    try:
        model = await _open(names, material, org_id, desk, spent)
        notes = await ask(model, material.request, material.fields)
        source = Source.SCRIPT if names == (SCRIPTED,) else Source.MODEL
        await save(call_id, notes, source, spent.calls, unit)
    except _Unwritten as failure:
        await _put_off(call_id, unit, failure.reason, spent)
    except (*REDIS_AWAY, SQLAlchemyError):
        raise
    except Exception:
        # A fault of ours costs these notes an attempt, and no other call its notes.
        log.exception("notes.died", call_id=str(call_id))
        await _put_off(call_id, unit, "internal_error", spent)
    else:
        log.info("notes.written", call_id=str(call_id), source=source.value, left_out=list(notes.left_out))
    return True


class _Unwritten(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


async def ask(model: Model, request: Request, fields: Sequence[Field]) -> Notes:
    """Return a model's notes. Raises _Unwritten: it failed, or they cannot be read; its reason holds no words."""
    notes: Notes | None = None
    try:
        async with asyncio.timeout(ASK_TIMEOUT_S), aclosing(model.reply(request)) as deltas:
            # To its end: what it took is told there.
            async for delta in deltas:
                if notes is None and isinstance(delta, ToolCall) and delta.name == WRITE_NOTES:
                    notes = read_notes(delta.arguments, fields)
    except ModelUnavailable as error:
        raise _Unwritten(error.failure.value) from None
    except BadNotes as error:
        raise _Unwritten(f"{Failure.GARBAGE.value}: {error}") from None
    except TimeoutError:
        raise _Unwritten(Failure.TIMEOUT.value) from None
    if notes is None:
        raise _Unwritten(f"{Failure.GARBAGE.value}: no notes in the answer")
    return notes


async def _open(names: Sequence[str], material: Material, org_id: UUID, desk: NoteDesk, spent: Spent) -> Model:
    """Raises _Unwritten."""
    if material.keys is None:
        raise _Unwritten("provider_key_refused")
    try:
        sealed = material.keys.sealed
        own = {vendor: unseal(key, desk.secret_key, org_id, vendor) for vendor, key in sealed.items()}
        script = None
        if SCRIPTED in names:
            script = await asyncio.to_thread(_playbook, desk.playbooks, material.playbook)
        return await desk.models.open(names, script, own, spent.calls.append, UNHURRIED, own_only=material.keys.only)
    except BadSecret:
        raise _Unwritten("provider_key_unreadable") from None
    except (PlaybookUnusable, BadPlaybook):
        raise _Unwritten("playbook_unusable") from None
    except UnknownModel:
        raise _Unwritten("model_unavailable") from None


def _playbook(folder: Path, name: str) -> Playbook:
    return parse(read_playbook(folder, name), name)


async def _wait(call_id: UUID, unit: UnitOfWork) -> None:
    """The models are switched off: that is no failure of theirs."""
    async with unit:
        store = NoteStore(unit)
        notes = await store.get(call_id)
        if notes is None or unusable(notes):
            await store.dismiss_worker(call_id)
        elif utc_now() - notes.created_at > OFF_MAX:
            notes.status, notes.reason = Status.FAILED.value, "models_off"
            await store.dismiss_worker(call_id)
        else:
            notes.status, notes.reason = Status.WAITING.value, "models_off"
            await store.call_worker(call_id, utc_now() + OFF_PAUSE)
        await unit.commit()


async def _put_off(call_id: UUID, unit: UnitOfWork, reason: str, spent: Spent) -> None:
    """Try again later, or leave it to people."""
    async with unit:
        store = NoteStore(unit)
        notes = await store.get(call_id)
        if notes is None or unusable(notes):
            await store.dismiss_worker(call_id)
            await unit.commit()
            return
        notes.attempts += 1
        notes.reason = reason
        count(notes, spent.calls)
        if notes.attempts >= ATTEMPTS_MAX:
            notes.status = Status.FAILED.value
            await store.dismiss_worker(call_id)
        else:
            notes.status = Status.PENDING.value
            await store.call_worker(call_id, utc_now() + PAUSES[notes.attempts - 1])
        await unit.commit()
    log.warning("notes.failed", call_id=str(call_id), reason=reason, attempts=notes.attempts)
