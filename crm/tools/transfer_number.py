"""The number at which an organisation's people take over calls."""

from typing import Final

from crm.identity.model import Organisation
from crm.unit_of_work import UnitOfWork

SETTING: Final = "transfer_number"


async def transfer_number(unit: UnitOfWork) -> str | None:
    """Return it, in a transaction that is open; None where nobody is put through."""
    organisation = await unit.session.get_one(Organisation, unit.org_id)
    number: str | None = organisation.settings.get(SETTING)
    return number


async def set_transfer_number(number: str | None, unit: UnitOfWork) -> None:
    """Set it, E.164; None: nobody is put through."""
    async with unit:
        organisation = await unit.session.get_one(Organisation, unit.org_id)
        organisation.settings = organisation.settings | {SETTING: number}
        await unit.commit()
