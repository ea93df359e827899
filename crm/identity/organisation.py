"""What an organisation has set for all its calls: read by everybody in it, changed by its admins."""

from dataclasses import dataclass

from crm.identity.model import Organisation
from crm.identity.tokens import Identity
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork
from events.plan import RecordWhen, Sensitivity

ADMIN = "admin"


class AdminsOnly(Refusal):
    def __init__(self) -> None:
        super().__init__("forbidden", {"needs": ADMIN})


@dataclass(frozen=True, slots=True)
class CallSettings:
    """None leaves a setting as it is."""

    sensitivity: Sensitivity | None = None
    record_when: RecordWhen | None = None


async def read_organisation(unit: UnitOfWork) -> Organisation:
    async with unit:
        return await unit.session.get_one(Organisation, unit.org_id)


async def change_settings(changes: CallSettings, person: Identity, unit: UnitOfWork) -> Organisation:
    """Change what is given; calls that are placed from now on have it. Raises AdminsOnly."""
    if person.role != ADMIN:
        raise AdminsOnly
    async with unit:
        organisation = await unit.session.get_one(Organisation, unit.org_id)
        if changes.sensitivity is not None:
            organisation.sensitivity = changes.sensitivity.value
        if changes.record_when is not None:
            organisation.record_when = changes.record_when.value
        await unit.commit()
        return organisation
