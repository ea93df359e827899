"""Organisations and their people."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from crm.database import Row, utc_now
from events.ids import new_id


class Organisation(Row):
    __tablename__ = "organisations"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    slug: Mapped[str]
    domain: Mapped[str] = mapped_column(default="")  # of its web site and mail; says nothing about who may join
    payment_customer_id: Mapped[str | None]  # who it is at the payment service
    record_when: Mapped[str] = mapped_column(default="after_disclosure")
    sensitivity: Mapped[str] = mapped_column(default="normal")  # events.plan.Sensitivity
    recording_retention_days: Mapped[int | None]  # None: recordings are kept
    recording_key: Mapped[str] = mapped_column(default="")  # the data key, wrapped; empty until one is needed
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)


class User(Row):
    """A person who signs in; may belong to several organisations."""

    __tablename__ = "users"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    email: Mapped[str]  # lower case
    full_name: Mapped[str]
    password_hash: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)


class MemberStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"  # let in nowhere, until an admin changes it back


class Member(Row):
    __tablename__ = "members"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    role: Mapped[str]  # crm.permissions.Role
    status: Mapped[str] = mapped_column(default=MemberStatus.ACTIVE.value)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class UserSession(Row):
    """One person on one device, from signing in to signing out. Gone when it is over."""

    __tablename__ = "user_sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID]
    org_id: Mapped[UUID]  # whose access token was given last
    generation: Mapped[int]  # of the newest refresh token
    secret_hash: Mapped[str]  # of its secret
    rotated_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    agent: Mapped[str]
    address: Mapped[str]
    created_at: Mapped[datetime]
    used_at: Mapped[datetime]  # when a token was given last


class SignInAttempts(Row):
    """How often signing in went wrong with one mail address, whether anybody has it or not."""

    __tablename__ = "sign_in_attempts"

    address_hash: Mapped[str] = mapped_column(primary_key=True)  # keyed: the address is not kept
    failures: Mapped[int] = mapped_column(default=0)
    failed_at: Mapped[datetime | None]
    trying: Mapped[int] = mapped_column(default=0)
    tried_at: Mapped[datetime | None]
    locked_until: Mapped[datetime | None]
