"""/api/settings/calling-hours: when the organisation's calls may be placed, by the clock where the callee is."""

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, field_validator
from typing_extensions import TypedDict

from crm.access import Held, Needs, Unit
from crm.answers import Success, success
from crm.compliance.calling_hours import keep_hours, own_hours
from crm.compliance.hours import HOLIDAYS_MAX, CallingHours, hours_json, hours_of, window_of
from crm.permissions import Permission

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

router = APIRouter(prefix="/api/settings/calling-hours")


class HoursBody(BaseModel):
    """A weekday that is left out is closed, and so is each of `holidays`, dates where the callee is."""

    model_config = ConfigDict(extra="forbid")

    week: dict[Weekday, Annotated[str, Field(max_length=11, examples=["09:00-21:00"])]] = Field(
        min_length=1, examples=[{"monday": "09:00-21:00", "saturday": "10:00-16:00"}]
    )
    holidays: list[date] = Field([], max_length=HOLIDAYS_MAX, examples=[["2026-12-25"]])

    @field_validator("week")
    @classmethod
    def _are_windows(cls, value: dict[Weekday, str]) -> dict[Weekday, str]:
        for text in value.values():
            window_of(text)
        return value

    def hours(self) -> CallingHours:
        return hours_of(self.model_dump())


class HoursJson(TypedDict):
    """`own`: the organisation has set them itself, and does not go by the operator's."""

    week: Annotated[dict[Weekday, str], Field(examples=[{"monday": "09:00-21:00", "saturday": "10:00-16:00"}])]
    holidays: list[date]
    own: bool


@router.get("")
async def get_hours(unit: Unit, held: Held) -> Success[HoursJson]:
    async with unit:
        own = await own_hours(unit)
    return success(_shown(own, held.rules.calling_hours))


@router.put("", dependencies=[Depends(Needs(Permission.SETTINGS_WRITE))])
async def put_hours(body: HoursBody, unit: Unit, held: Held) -> Success[HoursJson]:
    """Set them; they hold for the next call."""
    async with unit:
        await keep_hours(body.hours(), unit)
        await unit.commit()
    return success(_shown(body.hours(), held.rules.calling_hours))


@router.delete("", status_code=204, dependencies=[Depends(Needs(Permission.SETTINGS_WRITE))])
async def delete_hours(unit: Unit) -> Response:
    """Go by the operator's hours again."""
    async with unit:
        await keep_hours(None, unit)
        await unit.commit()
    return Response(status_code=204)


def _shown(own: CallingHours | None, default: CallingHours) -> HoursJson:
    told = hours_json(own or default)
    return {"week": told["week"], "holidays": told["holidays"], "own": own is not None}
