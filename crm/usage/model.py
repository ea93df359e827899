"""What language models took, by day, and how that stands against the vendors' own reports (S30).

The operator's figures, of all organisations together: no tenant's tables (see crm.tenancy). Counts only, so that
nothing of what was said, and nobody's name, is in them.
"""

from datetime import date, datetime
from typing import Final

from sqlalchemy.orm import Mapped, mapped_column

from crm.database import Row

AGREES: Final = "agrees"
DIFFERS: Final = "differs"
NOT_RECONCILED: Final = "not_reconciled"  # there is no report, or it could not be had


class UsageDay(Row):
    """Sums of one day, UTC. `shard` keeps those who count at the same time out of each other's way."""

    __tablename__ = "model_usage_days"

    day: Mapped[date] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(primary_key=True)  # as plans name it: vendor:model
    own_key: Mapped[bool] = mapped_column(primary_key=True)  # on an organisation's account, not the operator's
    shard: Mapped[int] = mapped_column(primary_key=True)
    requests: Mapped[int]
    prompt_tokens: Mapped[int]
    completion_tokens: Mapped[int]
    estimated_tokens: Mapped[int]  # of both: the vendor reported none


class Reconciliation(Row):
    """One vendor's day on the operator's account: our count and theirs, which is None until it is known."""

    __tablename__ = "usage_reconciliations"

    day: Mapped[date] = mapped_column(primary_key=True)
    vendor: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(default=NOT_RECONCILED)
    reason: Mapped[str] = mapped_column(default="")  # why it is not reconciled
    our_requests: Mapped[int] = mapped_column(default=0)
    our_tokens: Mapped[int] = mapped_column(default=0)
    our_estimated_tokens: Mapped[int] = mapped_column(default=0)
    their_requests: Mapped[int | None]
    their_tokens: Mapped[int | None]
    difference: Mapped[float | None]  # theirs less ours, as a share of the larger one
    tries: Mapped[int] = mapped_column(default=0)
    checked_at: Mapped[datetime | None]
    next_try_at: Mapped[datetime | None]  # None: settled
