"""An organisation's own keys for providers of models and speech: checked at the vendor when saved, never shown again.

What becomes of calls when a vendor refuses a key later is the organisation's choice: the operator's key does instead,
or nothing that the operator would pay for is asked, and no call is placed until the key is good again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

import structlog
from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from agent.llm.port import Failure, ModelUnavailable
from crm.database import utc_now
from crm.providers.key_check import KNOWN
from crm.providers.model import BLOCK, OPERATOR_KEY, ProviderKey
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork
from events.ids import new_id
from events.sealed_secret import BadSecret, seal, unseal

KEY_CHARS_MIN: Final = 8
KEY_CHARS_MAX: Final = 512
HINT_CHARS: Final = 4

log = structlog.get_logger()


class Check(Protocol):
    async def __call__(self, vendor: str, key: str) -> None:
        """Raises ModelUnavailable."""
        ...


class UnknownProvider(Refusal):
    def __init__(self) -> None:
        super().__init__("provider_not_found", {"known": sorted(KNOWN)})


class NoSuchKey(Refusal):
    def __init__(self, vendor: str) -> None:
        super().__init__("provider_key_not_found", {"provider": vendor})


class KeyBlocked(Refusal):
    """The vendor refuses the organisation's key, and the organisation wants no other to be used."""

    def __init__(self, vendor: str, since: datetime) -> None:
        super().__init__("provider_key_blocked", {"provider": vendor, "since": since.isoformat()})


@dataclass(frozen=True, slots=True)
class OwnKeys:
    """What a call plan carries: sealed keys by vendor, and the vendors whose key the operator's must not replace."""

    sealed: dict[str, str]
    only: tuple[str, ...] = ()


async def save_key(
    vendor: str,
    key: str,
    unit: UnitOfWork,
    *,
    check: Check,
    secret_key: str,
    when_refused: str = OPERATOR_KEY,
) -> ProviderKey:
    """Take the organisation's key for that vendor in the place of an earlier one; calls placed from now on use it.

    Raises:
        UnknownProvider
        Refusal: the vendor refuses the key, or cannot be asked; the earlier one stays.
    """
    _known(vendor)
    # Before the transaction: a vendor may take seconds.
    if (fault := await _fault(vendor, key, check)) is not None:
        raise fault
    async with unit:
        values = {
            "sealed": seal(key, secret_key, unit.org_id, vendor),
            "hint": key[-HINT_CHARS:],
            "checked_at": utc_now(),
            "when_refused": when_refused,
            "refused_at": None,
        }
        statement = insert(ProviderKey).values(org_id=unit.org_id, id=new_id(), vendor=vendor, **values)
        statement = statement.on_conflict_do_update(index_elements=["org_id", "vendor"], set_=values)
        saved = (await unit.session.scalars(statement.returning(ProviderKey))).one()
        await unit.commit()
        return saved


async def choose_when_refused(vendor: str, choice: str, unit: UnitOfWork) -> ProviderKey:
    """Set what becomes of calls, from the next one on, when the vendor refuses the key.

    Raises:
        UnknownProvider, NoSuchKey
    """
    _known(vendor)
    async with unit:
        kept = await _kept(vendor, unit)
        kept.when_refused = choice
        await unit.commit()
        return kept


async def check_again(vendor: str, unit: UnitOfWork, *, check: Check, secret_key: str) -> ProviderKey:
    """Ask the vendor about the key that is kept; one that is good again is no longer marked as refused.

    Raises:
        UnknownProvider, NoSuchKey
        Refusal: the vendor refuses the key, which is marked, or cannot be asked; or it does not open here.
    """
    _known(vendor)
    async with unit:
        sealed = (await _kept(vendor, unit)).sealed
    try:
        key = unseal(sealed, secret_key, unit.org_id, vendor)
    except BadSecret:
        raise Refusal("provider_key_unreadable", {"provider": vendor}) from None
    asked_at = utc_now()
    fault = await _fault(vendor, key, check)
    async with unit:
        kept = await _kept(vendor, unit)
        if kept.sealed != sealed:
            return kept  # another one was saved meanwhile, and checked
        if fault is None:
            kept.checked_at, kept.refused_at = asked_at, None
        elif fault.code == "provider_key_refused":
            kept.refused_at = kept.refused_at or asked_at
        await unit.commit()
    if fault is not None:
        raise fault
    return kept


async def list_keys(unit: UnitOfWork) -> Sequence[ProviderKey]:
    async with unit:
        mine = select(ProviderKey).where(ProviderKey.org_id == unit.org_id).order_by(ProviderKey.vendor)
        return (await unit.session.scalars(mine)).all()


async def drop_key(vendor: str, unit: UnitOfWork) -> None:
    """Forget the organisation's key; calls placed from now on use the operator's.

    Raises:
        UnknownProvider
    """
    _known(vendor)
    async with unit:
        await unit.session.execute(
            delete(ProviderKey).where(ProviderKey.org_id == unit.org_id, ProviderKey.vendor == vendor)
        )
        await unit.commit()


# For calls and chats, in a unit that is open


async def keys_for(unit: UnitOfWork, *orders: Sequence[str]) -> OwnKeys:
    """Return the organisation's keys for the providers named; in each order the first is asked first.

    Raises:
        KeyBlocked: of a provider that would be asked first.
    """
    vendors = {name.partition(":")[0] for names in orders for name in names}
    mine = select(ProviderKey).where(ProviderKey.org_id == unit.org_id, ProviderKey.vendor.in_(vendors))
    kept = {key.vendor: key for key in await unit.session.scalars(mine)}
    for names in orders:
        first = kept.get(names[0].partition(":")[0])
        if first is not None and first.when_refused == BLOCK and first.refused_at is not None:
            raise KeyBlocked(first.vendor, first.refused_at)
    only = tuple(sorted(vendor for vendor, key in kept.items() if key.when_refused == BLOCK))
    return OwnKeys({vendor: key.sealed for vendor, key in kept.items()}, only)


async def note_refusal(unit: UnitOfWork, vendor: str, at: datetime) -> None:
    """A call found the organisation's key refused: mark it, unless it was checked since."""
    marked = await unit.session.execute(
        update(ProviderKey)
        .where(
            ProviderKey.org_id == unit.org_id,
            ProviderKey.vendor == vendor,
            ProviderKey.checked_at < at,
            ProviderKey.refused_at.is_(None),
        )
        .values(refused_at=at)
    )
    if isinstance(marked, CursorResult) and marked.rowcount:
        log.warning("provider_key.refused", org_id=str(unit.org_id), provider=vendor)


async def _kept(vendor: str, unit: UnitOfWork) -> ProviderKey:
    mine = select(ProviderKey).where(ProviderKey.org_id == unit.org_id, ProviderKey.vendor == vendor)
    kept = (await unit.session.scalars(mine.with_for_update())).one_or_none()
    if kept is None:
        raise NoSuchKey(vendor)
    return kept


async def _fault(vendor: str, key: str, check: Check) -> Refusal | None:
    try:
        await check(vendor, key)
    except ModelUnavailable as error:
        code = "provider_key_refused" if error.failure is Failure.REFUSED_KEY else "provider_away"
        return Refusal(code, {"provider": vendor, "reason": error.failure.value})
    return None


def _known(vendor: str) -> None:
    if vendor not in KNOWN:
        raise UnknownProvider
