"""/api/custom-fields: the fields that the organisation has defined for its leads."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from typing_extensions import TypedDict

from crm.access import Needs, Unit
from crm.answers import Success, shown, success
from crm.custom_fields.kinds import Definition, FieldType
from crm.custom_fields.model import CustomField
from crm.custom_fields.usecases import (
    DEFINED_MAX,
    FieldChange,
    change_field,
    define_field,
    list_fields,
    remove_field,
)
from crm.idempotency.writes import Attempted, once
from crm.permissions import Permission
from crm.text_patterns import NO_CONTROL

OPTIONS_MAX: Final = 100

router = APIRouter(prefix="/api/custom-fields")

WRITES: Final = Depends(Needs(Permission.CUSTOM_FIELDS_WRITE))
# No sign that ends the name in `field=NAME=VALUE`, and none that cannot be seen.
Key = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^=\x00-\x1f\x7f]*$")
]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=NO_CONTROL)]
Options = Annotated[list[Words], Field(max_length=OPTIONS_MAX)]


class FieldBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    key: Key
    label: Words | None = None  # the key where it is not given
    type: FieldType
    options: Options = []
    required: bool = False

    def definition(self) -> Definition:
        return Definition(self.key, self.label or self.key, self.type, tuple(self.options), self.required)


class FieldChangeBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    label: Words
    options: Options = []
    required: bool = False
    position: Annotated[int, Field(ge=0, lt=DEFINED_MAX)] | None = None

    def change(self) -> FieldChange:
        return FieldChange(self.label, tuple(self.options), self.required, self.position)


class CustomFieldJson(TypedDict):
    id: UUID
    key: str
    label: str
    type: FieldType
    options: list[str]
    required: bool
    position: int
    created_at: datetime
    updated_at: datetime


@router.get("")
async def get_fields(unit: Unit) -> Success[list[CustomFieldJson]]:
    return success([field_json(field) for field in await list_fields(unit)])


@router.post("", status_code=201, dependencies=[WRITES])
async def post_field(body: FieldBody, unit: Unit, attempt: Attempted) -> Success[CustomFieldJson]:
    """Define a field; values that leads have under its key stay."""
    made = await once(unit, attempt, lambda part: define_field(body.definition(), part), field_json)
    return success(made, status=201)


@router.put("/{field_id}", dependencies=[WRITES])
async def put_field(field_id: UUID, body: FieldChangeBody, unit: Unit) -> Success[CustomFieldJson]:
    """Change all but key and type."""
    return success(field_json(await change_field(field_id, body.change(), unit)))


@router.delete("/{field_id}", status_code=204, dependencies=[WRITES])
async def delete_field(field_id: UUID, unit: Unit) -> Response:
    """Define it no more; leads keep their values."""
    await remove_field(field_id, unit)
    return Response(status_code=204)


def field_json(field: CustomField) -> CustomFieldJson:
    return shown(CustomFieldJson, field)
