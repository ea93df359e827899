"""Custom fields of leads that an organisation has defined; the values are the leads' own."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from crm.custom_fields.kinds import Definition, FieldType
from crm.database import Row, utc_now
from events.ids import new_id


class CustomField(Row):
    __tablename__ = "custom_fields"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    key: Mapped[str]  # what leads' values stand under; never changed
    label: Mapped[str]
    type: Mapped[str]  # of crm.custom_fields.kinds.FieldType; never changed
    options: Mapped[list[Any]] = mapped_column(default=list)  # texts, of a choice
    required: Mapped[bool] = mapped_column(default=False)
    position: Mapped[int]  # in the order in which people see them, from 0
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)

    def definition(self) -> Definition:
        return Definition(self.key, self.label, FieldType(self.type), tuple(self.options), self.required)
