"""An organisation's own key for a provider of models (S152)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from crm.database import Row
from events.ids import new_id


class ProviderKey(Row):
    __tablename__ = "provider_keys"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    vendor: Mapped[str]  # of agent.llm.registry.VENDORS; once an organisation
    sealed: Mapped[str]  # events.sealed_secret; travels in call plans as it is
    hint: Mapped[str]  # its last characters, so that people can tell keys apart
    checked_at: Mapped[datetime]
