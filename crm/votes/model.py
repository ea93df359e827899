"""People's votes on what models made (S139)."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from crm.database import Row, utc_now
from events.ids import new_id


class Generation(StrEnum):
    """What can be voted on."""

    TURN = "turn"  # one of the agent's in a call, by its id
    NOTES = "notes"  # those of a call, by their id


class Vote(Row):
    """One person's on one generation. The words themselves stay with the call, and go when they are erased."""

    __tablename__ = "generation_votes"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str]
    generation_id: Mapped[UUID]
    call_id: Mapped[UUID]
    user_id: Mapped[UUID]
    vote: Mapped[int]  # 1 or -1
    comment: Mapped[str] = mapped_column(default="")
    prompt_hash: Mapped[str]  # SHA-256 of what was voted on: a later change of it shows
    answer_hash: Mapped[str]
    model: Mapped[str] = mapped_column(default="")
    prompt_version: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)
