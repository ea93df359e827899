"""An organisation's own key for a provider of models or of speech (S152)."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from crm.database import Row
from events.ids import new_id

# What becomes of calls when the vendor refuses the key later.
OPERATOR_KEY: Final = "operator_key"  # the operator's does instead, where there is one
BLOCK: Final = "block"


class ProviderKey(Row):
    __tablename__ = "provider_keys"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    vendor: Mapped[str]  # of crm.providers.key_check.KNOWN; once an organisation
    sealed: Mapped[str]  # events.sealed_secret; travels in call plans as it is
    hint: Mapped[str]  # its last characters, so that people can tell keys apart
    checked_at: Mapped[datetime]  # when the vendor last accepted it
    when_refused: Mapped[str] = mapped_column(default=OPERATOR_KEY)
    refused_at: Mapped[datetime | None]  # since when the vendor refuses it; None: nobody has heard so
