"""Prompts: what a language model is told of its task, in versions that never change."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from crm.database import Row, utc_now
from crm.prompts.versions import InForce, Version, parse_version
from events.ids import new_id


class Prompt(Row):
    """One prompt by its name; which of its versions is in force."""

    __tablename__ = "prompts"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    slug: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    active: Mapped[str]  # a version's number
    activation_id: Mapped[UUID]  # the one that put it there; its `previous_id` is where a roll-back leads
    shares: Mapped[dict[str, Any]] = mapped_column(default=dict)  # percent by version's number; empty: none run
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)

    @property
    def in_force(self) -> InForce:
        shares = tuple(sorted((parse_version(number), int(share)) for number, share in self.shares.items()))
        return InForce(self.id, parse_version(self.active), shares)


class PromptVersion(Row):
    """Written once: the application has no right to change it."""

    __tablename__ = "prompt_versions"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    prompt_id: Mapped[UUID]
    major: Mapped[int]
    minor: Mapped[int]
    template: Mapped[str]
    variables: Mapped[dict[str, Any]] = mapped_column(default=dict)  # declared ones, and what each is by default
    note: Mapped[str] = mapped_column(default="")
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)

    @property
    def number(self) -> Version:
        return Version(self.major, self.minor)


class PromptActivation(Row):
    """That a version was put in force: when, by whom, and which one it took the place of. Written once."""

    __tablename__ = "prompt_activations"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    prompt_id: Mapped[UUID]
    version: Mapped[str]
    previous_id: Mapped[UUID | None]
    kind: Mapped[str]  # activation, rollback
    at: Mapped[datetime] = mapped_column(default=utc_now)
    by: Mapped[UUID | None]
