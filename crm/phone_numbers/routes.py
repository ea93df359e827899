"""/api/phone-numbers: where the organisation is rung up, and who takes those calls."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from typing_extensions import TypedDict

from crm.access import Needs, Unit
from crm.answers import Success, shown, success
from crm.idempotency.writes import Attempted, once
from crm.permissions import Permission
from crm.phone_numbers.usecases import (
    NumberFields,
    add_number,
    change_number,
    list_numbers,
    read_number,
    remove_number,
)
from crm.text_patterns import NO_CONTROL
from events.plan import Route

GREETING_CHARS_MAX: Final = 400  # as a playbook's line

router = APIRouter(prefix="/api/phone-numbers")
WRITES: Final = Depends(Needs(Permission.NUMBERS_WRITE))


class RoutingBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    label: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100, pattern=NO_CONTROL)] = ""
    route: Route = Route.AGENT
    agent_id: Annotated[
        UUID | None, Field(description="Whose voice the caller hears; the oldest active agent's unless given")
    ] = None
    user_id: Annotated[
        UUID | None, Field(description="Whose telephone rings with route `rep`; also gets the messages")
    ] = None
    queue_id: Annotated[UUID | None, Field(description="Where callers wait, with route `queue`")] = None
    greeting: Annotated[
        str, StringConstraints(strip_whitespace=True, max_length=GREETING_CHARS_MAX, pattern=NO_CONTROL)
    ] = ""
    voicemail: bool = True
    enabled: bool = True

    def fields(self) -> NumberFields:
        values = self.model_dump()
        return NumberFields(**{name: values[name] for name in NumberFields.__dataclass_fields__})


class NumberBody(RoutingBody):
    number: Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=NO_CONTROL)]


class PhoneNumberJson(TypedDict):
    id: UUID
    number: Annotated[str, Field(examples=["+12025550100"])]
    label: str
    route: Route
    agent_id: UUID | None
    user_id: UUID | None
    queue_id: UUID | None
    greeting: str
    voicemail: bool
    enabled: bool
    created_at: datetime
    updated_at: datetime


@router.get("")
async def get_numbers(unit: Unit) -> Success[list[PhoneNumberJson]]:
    return success([shown(PhoneNumberJson, number) for number in await list_numbers(unit)])


@router.post("", status_code=201, dependencies=[WRITES])
async def post_number(body: NumberBody, unit: Unit, attempt: Attempted) -> Success[PhoneNumberJson]:
    """Let the organisation be rung up at a number that the operator's carrier sends here."""
    made = await once(
        unit,
        attempt,
        lambda part: add_number(body.number, body.fields(), part),
        lambda number: shown(PhoneNumberJson, number),
    )
    return success(made, status=201)


@router.get("/{number_id}")
async def get_number(number_id: UUID, unit: Unit) -> Success[PhoneNumberJson]:
    return success(shown(PhoneNumberJson, await read_number(number_id, unit)))


@router.put("/{number_id}", dependencies=[WRITES])
async def put_number(number_id: UUID, body: RoutingBody, unit: Unit) -> Success[PhoneNumberJson]:
    """Change all but the number itself. Calls that have begun stay as they are."""
    return success(shown(PhoneNumberJson, await change_number(number_id, body.fields(), unit)))


@router.delete("/{number_id}", status_code=204, dependencies=[WRITES])
async def delete_number(number_id: UUID, unit: Unit) -> Response:
    """Give it up: who rings it hears that it is not in service."""
    await remove_number(number_id, unit)
    return Response(status_code=204)
