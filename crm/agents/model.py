"""An organisation's agents (W2)."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from crm.database import Row, utc_now
from crm.prompts.versions import LATEST
from events.ids import new_id
from events.tool import ToolName

DEFAULT_TYPE: Final = "custom"
DEFAULT_TEMPERATURE: Final = 0.7
DEFAULT_MAX_TOKENS: Final = 1000
# Keys are for the menus of other telephone systems, which any agent may meet.
DEFAULT_TOOLS: Final = (ToolName.NOTE_FACT.value, ToolName.END_CALL.value, ToolName.PRESS_KEYS.value)


class Agent(Row):
    """Who talks in a call: what it follows, how it sounds, which model it thinks with, and what it may do."""

    __tablename__ = "agents"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    type: Mapped[str] = mapped_column(default=DEFAULT_TYPE)
    playbook: Mapped[str]  # the name of a file in config/playbooks
    voice: Mapped[str] = mapped_column(default="en-us")  # of the embedded engine, or PROVIDER:VOICE
    language: Mapped[str] = mapped_column(default="en-US")
    stt: Mapped[str] = mapped_column(default="embedded")  # or PROVIDER:MODEL
    model: Mapped[str] = mapped_column(default="")  # PROVIDER:MODEL; empty: the operator's
    temperature: Mapped[float] = mapped_column(default=DEFAULT_TEMPERATURE)
    max_tokens: Mapped[int] = mapped_column(default=DEFAULT_MAX_TOKENS)  # of one answer
    tools: Mapped[list[Any]] = mapped_column(default=lambda: list(DEFAULT_TOOLS))
    prompt_id: Mapped[UUID | None]  # None: what a model is told follows from the playbook
    prompt_version: Mapped[str] = mapped_column(default=LATEST)
    extract: Mapped[list[Any] | None]  # the fields to be found after a call; None: crm.understanding.fields.DEFAULT
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)
