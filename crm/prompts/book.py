"""The prompts of a process as calls use them: kept for minutes, and used on while the database is away (S24).

A version never changes, so what is kept of it is never wrong. Which version is in force is asked of the database each
time, so that a roll-back holds at once in every process (S25); only while it does not answer is the last known used.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Generic, TypeVar
from uuid import UUID

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from crm.database import Sessions
from crm.prompts.store import Lock, PromptStore
from crm.prompts.template import Compiled
from crm.prompts.versions import BadVersion, InForce, Version
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork

KEPT_MAX: Final = 256
KEPT_S: Final = 300.0
# A database that takes longer to say which version is in force counts as away.
ASK_TIMEOUT_S: Final = 3.0
AWAY: Final = (DBAPIError, PoolExhausted, OSError, TimeoutError)

log = structlog.get_logger()
T = TypeVar("T")


class PromptNotFound(Refusal):
    def __init__(self, slug: str) -> None:
        super().__init__("prompt_not_found", {"prompt": slug})


class VersionNotFound(Refusal):
    def __init__(self, version: str) -> None:
        super().__init__("prompt_version_not_found", {"version": version})


class PromptBook:
    """One a process. `clock` gives seconds of a monotonic clock."""

    def __init__(self, sessions: Sessions, clock: Callable[[], float] | None = None) -> None:
        self._sessions = sessions
        self._clock = clock or (lambda: asyncio.get_running_loop().time())
        self._versions: _Kept[tuple[UUID, UUID, Version], Compiled] = _Kept(KEPT_MAX)
        self._in_force: _Kept[tuple[UUID, str], InForce] = _Kept(KEPT_MAX)

    async def read(self, org_id: UUID, slug: str, wanted: str, call_id: UUID | None = None) -> Compiled:
        """Return the version that `wanted` names: its number, or `latest` for what is in force.

        Raises:
            PromptNotFound, VersionNotFound
            DBAPIError, OSError, TimeoutError: the database is away, and the version was not used lately.
        """
        key = (org_id, slug)
        try:
            async with asyncio.timeout(ASK_TIMEOUT_S), UnitOfWork(self._sessions, org_id) as unit:
                prompt = await PromptStore(unit).by_slug(slug)
                if prompt is None:
                    raise PromptNotFound(slug)
                in_force = prompt.in_force
                self._in_force.put(key, in_force, self._clock())
                return await self.read_in(unit, in_force, wanted, call_id)
        except AWAY as error:
            known = self._in_force.last(key)
            kept = self._versions.last((org_id, known.prompt_id, _number(known, wanted, call_id))) if known else None
            if kept is None:
                raise
            log.warning("prompts.database_away", error=type(error).__name__)
            return kept

    async def read_in(self, unit: UnitOfWork, in_force: InForce, wanted: str, call_id: UUID | None) -> Compiled:
        """As `read`, in a transaction that is open and has read what is in force."""
        number = _number(in_force, wanted, call_id)
        key = (unit.org_id, in_force.prompt_id, number)
        kept = self._versions.fresh(key, self._clock(), KEPT_S)
        if kept is not None:
            return kept
        version = await PromptStore(unit).version(in_force.prompt_id, number)
        if version is None:
            raise VersionNotFound(wanted)
        compiled = Compiled(str(number), version.template, {str(k): str(v) for k, v in version.variables.items()})
        self._versions.put(key, compiled, self._clock())
        return compiled

    async def for_call(self, unit: UnitOfWork, prompt_id: UUID, wanted: str, call_id: UUID) -> Compiled:
        """Return what a call that is being placed begins with, and let no other version come before its commit."""
        prompt = await PromptStore(unit).get(prompt_id, Lock.READ)
        if prompt is None:
            raise PromptNotFound(str(prompt_id))
        return await self.read_in(unit, prompt.in_force, wanted, call_id)


def _number(in_force: InForce, wanted: str, call_id: UUID | None) -> Version:
    try:
        return in_force.version_for(wanted, call_id)
    except BadVersion:
        raise VersionNotFound(wanted) from None


K = TypeVar("K")


class _Kept(Generic[K, T]):
    """At most `capacity` things with the moment when each was put; the one used longest ago goes first."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._items: OrderedDict[K, tuple[T, float]] = OrderedDict()

    def put(self, key: K, item: T, now: float) -> None:
        self._items[key] = (item, now)
        self._items.move_to_end(key)
        if len(self._items) > self._capacity:
            self._items.popitem(last=False)

    def fresh(self, key: K, now: float, age_s: float) -> T | None:
        found = self._items.get(key)
        if found is None or now - found[1] > age_s:
            return None
        self._items.move_to_end(key)
        return found[0]

    def last(self, key: K) -> T | None:
        """Return it however old."""
        found = self._items.get(key)
        return None if found is None else found[0]
