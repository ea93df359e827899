"""What people do with the organisation's phone numbers: have them, route them, give them up."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from crm.agents.store import AgentStore
from crm.agents.usecases import AgentNotFound
from crm.compliance.gate import e164
from crm.identity.belonging import check_member
from crm.one_at_a_time import queue_up
from crm.phone_numbers.model import PhoneNumber
from crm.phone_numbers.store import NumberStore
from crm.queues.store import QueueStore
from crm.queues.usecases import QueueNotFound
from crm.refusals import Refusal, bad_field
from crm.unit_of_work import UnitOfWork
from events.plan import Route

NUMBERS_MAX: Final = 500  # of an organisation
# Any number that nobody else uses; with the organisation's: one addition at a time, so that their count holds.
NUMBERS_LOCK: Final = 7_356
UNIQUE_NUMBER: Final = "phone_numbers_number"


class NumberNotFound(Refusal):
    def __init__(self, number_id: UUID) -> None:
        super().__init__("number_not_found", {"number_id": str(number_id)})


@dataclass(frozen=True, slots=True)
class NumberFields:
    """What a person may set, but for the number itself."""

    label: str = ""
    route: Route = Route.AGENT
    agent_id: UUID | None = None
    user_id: UUID | None = None
    queue_id: UUID | None = None
    greeting: str = ""
    voicemail: bool = True
    enabled: bool = True


async def list_numbers(unit: UnitOfWork) -> Sequence[PhoneNumber]:
    async with unit:
        return await NumberStore(unit).all()


async def read_number(number_id: UUID, unit: UnitOfWork) -> PhoneNumber:
    """Raises NumberNotFound."""
    async with unit:
        found = await NumberStore(unit).get(number_id)
        if found is None:
            raise NumberNotFound(number_id)
        return found


async def add_number(number: str, fields: NumberFields, unit: UnitOfWork) -> PhoneNumber:
    """Let the organisation be rung up at a number, written in any usual way that names its country.

    Raises:
        Refusal: it is no number, somebody has it, a field names what is not there, or there are NUMBERS_MAX.
    """
    written = e164(number.strip())
    if written is None:
        raise bad_field("body.number", "is no phone number: write it with its country, such as +12025550100")
    async with unit:
        await queue_up(NUMBERS_LOCK, unit)
        if await NumberStore(unit).count() >= NUMBERS_MAX:
            raise Refusal("too_many_numbers", {"max": NUMBERS_MAX})
        await _check(fields, unit)
        added = PhoneNumber(org_id=unit.org_id, number=written)
        _set(added, fields)
        unit.session.add(added)
        try:
            await unit.commit()
        except IntegrityError as error:
            if UNIQUE_NUMBER not in str(error.orig):
                raise
            # Whose it is, is nobody else's business.
            raise Refusal("number_taken", {"number": written}) from None
        return added


async def change_number(number_id: UUID, fields: NumberFields, unit: UnitOfWork) -> PhoneNumber:
    """Raises NumberNotFound, or Refusal: a field names what is not there."""
    async with unit:
        found = await NumberStore(unit).lock(number_id)
        if found is None:
            raise NumberNotFound(number_id)
        await _check(fields, unit)
        _set(found, fields)
        await unit.commit()
        return found


async def remove_number(number_id: UUID, unit: UnitOfWork) -> None:
    """Give a number up: who rings it hears that it is not in service. Raises NumberNotFound."""
    async with unit:
        found = await NumberStore(unit).lock(number_id)
        if found is None:
            raise NumberNotFound(number_id)
        await unit.session.delete(found)
        await unit.commit()


async def _check(fields: NumberFields, unit: UnitOfWork) -> None:
    if fields.agent_id is not None and await AgentStore(unit).get(fields.agent_id) is None:
        raise AgentNotFound(fields.agent_id)
    await check_member(fields.user_id, "body.user_id", unit)
    if fields.route is Route.REP and fields.user_id is None:
        raise bad_field("body.user_id", "says whose telephone rings: name a member, or choose another route")

    if fields.queue_id is not None and await QueueStore(unit).get(fields.queue_id) is None:
        raise QueueNotFound(fields.queue_id)
    if fields.route is Route.QUEUE and fields.queue_id is None:
        raise bad_field("body.queue_id", "says where callers wait: name a queue, or choose another route")


def _set(number: PhoneNumber, fields: NumberFields) -> None:
    for name in NumberFields.__dataclass_fields__:
        setattr(number, name, getattr(fields, name))
    number.route = fields.route.value
