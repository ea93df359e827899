"""What an organisation is called, and has set for all its calls: read by everybody in it."""

from dataclasses import dataclass

from crm.identity.model import Organisation
from crm.unit_of_work import UnitOfWork
from events.plan import RecordWhen, Sensitivity


@dataclass(frozen=True, slots=True)
class OrganisationChanges:
    """None leaves it as it is."""

    name: str | None = None
    domain: str | None = None
    sensitivity: Sensitivity | None = None
    record_when: RecordWhen | None = None


async def read_organisation(unit: UnitOfWork) -> Organisation:
    async with unit:
        return await unit.session.get_one(Organisation, unit.org_id)


async def change_organisation(changes: OrganisationChanges, unit: UnitOfWork) -> Organisation:
    """Change what is given; calls that are placed from now on have it."""
    async with unit:
        organisation = await unit.session.get_one(Organisation, unit.org_id)
        if changes.name is not None:
            organisation.name = changes.name
        if changes.domain is not None:
            organisation.domain = changes.domain
        if changes.sensitivity is not None:
            organisation.sensitivity = changes.sensitivity.value
        if changes.record_when is not None:
            organisation.record_when = changes.record_when.value
        await unit.commit()
        return organisation
