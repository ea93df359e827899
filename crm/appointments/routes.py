"""/api/appointments: meetings. /api/settings/booking: the hours in which agents may book them."""

from datetime import datetime, time, timedelta
from typing import Annotated, Self
from uuid import UUID
from zoneinfo import available_timezones

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator, model_validator
from typing_extensions import TypedDict

from crm.access import Needs, Unit
from crm.answers import Success, shown, success
from crm.appointments.model import Appointment
from crm.appointments.slots import Hours
from crm.appointments.usecases import cancel, list_appointments, read_hours, set_hours
from crm.database import utc_now
from crm.permissions import Permission

DEFAULT_SPAN = timedelta(days=31)

router = APIRouter()


class HoursBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    days: list[Annotated[int, Field(ge=0, le=6)]] = Field(min_length=1, max_length=7)  # 0 is Monday
    opens: time
    closes: time
    minutes: int = Field(ge=5, le=480)
    at_once: int = Field(1, ge=1, le=1_000)
    notice_minutes: int = Field(60, ge=0, le=60 * 24 * 30)
    time_zone: str = Field(max_length=64)

    @field_validator("time_zone")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("must be a time zone's name, such as America/Sao_Paulo")
        return value

    @field_validator("opens", "closes")
    @classmethod
    def _is_local(cls, value: time) -> time:
        if value.tzinfo is not None or value.second or value.microsecond:
            raise ValueError("must be an hour and minute, such as 09:00")
        return value

    @model_validator(mode="after")
    def _holds_a_slot(self) -> Self:
        length = (self.closes.hour - self.opens.hour) * 60 + self.closes.minute - self.opens.minute
        if length < self.minutes:
            raise ValueError("closes must be at least one slot after opens")
        return self

    def hours(self) -> Hours:
        return Hours(**(self.model_dump() | {"days": frozenset(self.days)}))


class HoursJson(TypedDict):
    days: list[int]
    opens: Annotated[str, Field(examples=["09:00"])]
    closes: Annotated[str, Field(examples=["17:00"])]
    minutes: int
    at_once: int
    notice_minutes: int
    time_zone: str


class AppointmentJson(TypedDict):
    id: UUID
    lead_id: UUID
    call_id: UUID | None
    starts_at: datetime
    minutes: int
    title: Annotated[str, Field(examples=["Meeting with Dana"])]
    status: Annotated[str, Field(examples=["booked"])]
    created_at: datetime


@router.get("/api/settings/booking")
async def get_hours(unit: Unit) -> Success[HoursJson]:
    async with unit:
        return success(hours_json(await read_hours(unit)))


@router.put("/api/settings/booking", dependencies=[Depends(Needs(Permission.SETTINGS_WRITE))])
async def put_hours(body: HoursBody, unit: Unit) -> Success[HoursJson]:
    await set_hours(body.hours(), unit)
    return success(hours_json(body.hours()))


@router.get("/api/appointments")
async def get_appointments(
    unit: Unit,
    begins: Annotated[AwareDatetime | None, Query(alias="from")] = None,
    ends: Annotated[AwareDatetime | None, Query(alias="to")] = None,
) -> Success[list[AppointmentJson]]:
    first: datetime = begins or utc_now()
    found = await list_appointments(unit, first, ends or first + DEFAULT_SPAN)
    return success([appointment_json(one) for one in found])


@router.post("/api/appointments/{appointment_id}/cancel")
async def post_cancel(appointment_id: UUID, unit: Unit) -> Success[AppointmentJson]:
    return success(appointment_json(await cancel(appointment_id, unit)))


def hours_json(hours: Hours) -> HoursJson:
    return {
        "days": sorted(hours.days),
        "opens": hours.opens.isoformat("minutes"),
        "closes": hours.closes.isoformat("minutes"),
        "minutes": hours.minutes,
        "at_once": hours.at_once,
        "notice_minutes": hours.notice_minutes,
        "time_zone": hours.time_zone,
    }


def appointment_json(appointment: Appointment) -> AppointmentJson:
    return shown(AppointmentJson, appointment)
