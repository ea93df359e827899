"""What an organisation wants of its calls when their credits end: a goodbye, or to go on
as far as the operator lends.
"""

from enum import StrEnum
from typing import Final

from crm.identity.model import Organisation
from crm.unit_of_work import UnitOfWork

SETTING: Final = "at_zero"  # in the organisation's settings


class AtZero(StrEnum):
    GOODBYE = "goodbye"  # finish the sentence, say goodbye, hang up
    ON_CREDIT = "on_credit"  # the same, when the credit of the plan ends as well


async def read_at_zero(unit: UnitOfWork) -> AtZero:
    async with unit:
        organisation = await unit.session.get_one(Organisation, unit.org_id)
        return AtZero(organisation.settings.get(SETTING, AtZero.GOODBYE))


async def set_at_zero(wish: AtZero, unit: UnitOfWork) -> None:
    """Set it for calls that are placed from now on."""
    async with unit:
        # Its settings are one column: two changes of two of them must not undo each other.
        organisation = await unit.session.get_one(Organisation, unit.org_id, with_for_update=True)
        organisation.settings = organisation.settings | {SETTING: wish.value}
        await unit.commit()
