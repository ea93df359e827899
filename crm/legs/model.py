"""Further legs of calls: whom people have telephoned beside the prospect."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from crm.database import Row, utc_now


class CallLeg(Row):
    """One that was permitted; its id is the permit's. What it holds is a part of what its call holds."""

    __tablename__ = "call_legs"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    call_id: Mapped[UUID]
    decision_id: Mapped[UUID]
    purpose: Mapped[str]  # events.permit.Purpose: consult or transfer
    number: Mapped[str]
    user_id: Mapped[UUID]  # who asked for it
    funded_s: Mapped[int]
    price_per_minute: Mapped[int]
    reserved: Mapped[int]  # thousandths; 0 of a transfer, which its call pays
    charged: Mapped[int] = mapped_column(default=0)
    billable_s: Mapped[int] = mapped_column(default=0)
    carrier_call_id: Mapped[str | None]
    arrangement: Mapped[str] = mapped_column(default="")  # telephony.call.leg_acts.Arrangement, the last one
    reason: Mapped[str] = mapped_column(default="")  # why it ended
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
