"""An organisation's own keys for providers of models: checked at the vendor when saved, never shown again."""

from collections.abc import Collection, Sequence
from typing import Final, Protocol

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from agent.llm.port import Failure, ModelUnavailable
from agent.llm.registry import VENDORS
from crm.database import utc_now
from crm.identity.organisation import ADMIN, AdminsOnly
from crm.identity.tokens import Identity
from crm.providers.model import ProviderKey
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork
from events.ids import new_id
from events.sealed_secret import seal

KEY_CHARS_MIN: Final = 8
KEY_CHARS_MAX: Final = 512
HINT_CHARS: Final = 4


class Check(Protocol):
    async def __call__(self, vendor: str, key: str) -> None:
        """Raises ModelUnavailable."""
        ...


class UnknownProvider(Refusal):
    def __init__(self) -> None:
        super().__init__("provider_not_found", {"known": sorted(VENDORS)})


async def save_key(
    vendor: str, key: str, person: Identity, unit: UnitOfWork, *, check: Check, secret_key: str
) -> ProviderKey:
    """Take the organisation's key for that vendor in the place of an earlier one; calls placed from now on use it.

    Raises:
        AdminsOnly, UnknownProvider
        Refusal: the vendor refuses the key, or cannot be asked; the earlier one stays.
    """
    _need(vendor, person)
    # Before the transaction: a vendor may take seconds.
    try:
        await check(vendor, key)
    except ModelUnavailable as error:
        code = "provider_key_refused" if error.failure is Failure.REFUSED_KEY else "provider_away"
        raise Refusal(code, {"provider": vendor, "reason": error.failure.value}) from None
    async with unit:
        values = {
            "sealed": seal(key, secret_key, unit.org_id, vendor),
            "hint": key[-HINT_CHARS:],
            "checked_at": utc_now(),
        }
        statement = insert(ProviderKey).values(org_id=unit.org_id, id=new_id(), vendor=vendor, **values)
        statement = statement.on_conflict_do_update(index_elements=["org_id", "vendor"], set_=values)
        saved = (await unit.session.scalars(statement.returning(ProviderKey))).one()
        await unit.commit()
        return saved


async def list_keys(unit: UnitOfWork) -> Sequence[ProviderKey]:
    async with unit:
        mine = select(ProviderKey).where(ProviderKey.org_id == unit.org_id).order_by(ProviderKey.vendor)
        return (await unit.session.scalars(mine)).all()


async def drop_key(vendor: str, person: Identity, unit: UnitOfWork) -> None:
    """Forget the organisation's key; calls placed from now on use the operator's.

    Raises:
        AdminsOnly, UnknownProvider
    """
    _need(vendor, person)
    async with unit:
        await unit.session.execute(
            delete(ProviderKey).where(ProviderKey.org_id == unit.org_id, ProviderKey.vendor == vendor)
        )
        await unit.commit()


async def sealed_keys(unit: UnitOfWork, vendors: Collection[str]) -> dict[str, str]:
    """Return what a call plan carries, of an open unit: the sealed keys of those vendors that the organisation has."""
    if not vendors:
        return {}
    mine = select(ProviderKey.vendor, ProviderKey.sealed).where(
        ProviderKey.org_id == unit.org_id, ProviderKey.vendor.in_(vendors)
    )
    rows = await unit.session.execute(mine)
    return {row.vendor: row.sealed for row in rows}


def _need(vendor: str, person: Identity) -> None:
    if person.role != ADMIN:
        raise AdminsOnly
    if vendor not in VENDORS:
        raise UnknownProvider
