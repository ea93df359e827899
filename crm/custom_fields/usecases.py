"""What people do with custom fields: define, change and remove them; and how leads' values are held against them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from crm.custom_fields.asked import BadFilter, searched
from crm.custom_fields.kinds import Definition, FieldType
from crm.custom_fields.model import CustomField
from crm.custom_fields.store import CustomFieldStore
from crm.ordering import put_at
from crm.refusals import Refusal, bad_field
from crm.unit_of_work import UnitOfWork

DEFINED_MAX: Final = 100  # of an organisation


class CustomFieldNotFound(Refusal):
    def __init__(self, field_id: UUID) -> None:
        super().__init__("custom_field_not_found", {"field_id": str(field_id)})


@dataclass(frozen=True, slots=True)
class FieldChange:
    label: str
    options: tuple[str, ...]
    required: bool
    position: int | None = None  # where it goes in the order, from 0; None: where it is


async def list_fields(unit: UnitOfWork) -> Sequence[CustomField]:
    async with unit:
        return await CustomFieldStore(unit).all()


async def define_field(one: Definition, unit: UnitOfWork) -> CustomField:
    """Define one, last in the order; leads' values under its key stay what they are.

    Raises:
        Refusal: the key is defined already, the options do not go with the type, or there are DEFINED_MAX.
    """
    _check_options(one.type, one.options)
    async with unit:
        fields = await CustomFieldStore(unit).lock_all()
        for field in fields:
            if field.key == one.key:
                raise Refusal("custom_field_exists", {"field_id": str(field.id)})
        if len(fields) >= DEFINED_MAX:
            raise Refusal("too_many_custom_fields", {"max": DEFINED_MAX})
        kept = {"key": one.key, "label": one.label, "type": one.type.value, "options": list(one.options)}
        made = CustomField(org_id=unit.org_id, required=one.required, position=len(fields), **kept)
        unit.session.add(made)
        await unit.commit()
        return made


async def change_field(field_id: UUID, change: FieldChange, unit: UnitOfWork) -> CustomField:
    """Raises CustomFieldNotFound, or Refusal: the options do not go with the type."""
    async with unit:
        fields = await CustomFieldStore(unit).lock_all()
        field = _one_of(fields, field_id)
        _check_options(FieldType(field.type), change.options)
        field.label, field.options, field.required = change.label, list(change.options), change.required
        if change.position is not None:
            put_at(change.position, field, fields)
        await unit.commit()
        return field


async def remove_field(field_id: UUID, unit: UnitOfWork) -> None:
    """Leads keep their values, which are of no type from now on. Raises CustomFieldNotFound."""
    async with unit:
        await unit.session.delete(_one_of(await CustomFieldStore(unit).lock_all(), field_id))
        await unit.commit()


async def checked_fields(
    values: Mapping[str, Any], before: Mapping[str, Any] | None, unit: UnitOfWork
) -> dict[str, Any]:
    """Return a lead's values as they are kept, in the caller's transaction.

    Args:
        before: what the lead has; None: it is new.

    Raises:
        Refusal: `invalid_request`, naming the fields.
    """
    made, faults = (await CustomFieldStore(unit).definitions()).kept(values, before)
    if faults:
        told = [{"field": f"body.custom_fields.{fault.key}", "fault": fault.fault} for fault in faults]
        raise Refusal("invalid_request", {"fields": told})
    return made


async def asked_fields(fields: Sequence[str], unit: UnitOfWork) -> tuple[str, ...]:
    """Return filters as the search knows them (see asked), in the caller's transaction.

    Raises:
        Refusal: `invalid_request`: a value that the field cannot have, or a span of what has none.
    """
    if not fields:
        return ()
    definitions = await CustomFieldStore(unit).definitions()
    try:
        return searched(fields, definitions)
    except BadFilter as fault:
        raise bad_field("query.field", str(fault)) from None


def _check_options(kind: FieldType, options: Sequence[str]) -> None:
    if kind is FieldType.CHOICE and not options:
        raise bad_field("body.options", "a choice needs at least one option")
    if kind is not FieldType.CHOICE and options:
        raise bad_field("body.options", "only a choice has options")
    if len({option.casefold() for option in options}) < len(options):
        raise bad_field("body.options", "two of them differ in capitals only, or not at all")


def _one_of(fields: Sequence[CustomField], field_id: UUID) -> CustomField:
    for field in fields:
        if field.id == field_id:
            return field
    raise CustomFieldNotFound(field_id)
