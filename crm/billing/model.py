"""The double-entry ledger's tables. Amounts are thousandths of a credit."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from crm.database import Row, utc_now
from events.ids import new_id


class AccountKind(StrEnum):
    """One account of each kind per organisation, in the order in which postings name their amounts."""

    WALLET = "wallet"  # what the customer may spend; never negative
    HELD = "held"  # reserved for calls in progress: the sum of what each call holds, which is never negative
    REVENUE = "revenue"
    FUNDING = "funding"  # contra: what was put into the wallet
    SHORTFALL = "shortfall"  # contra: used beyond what could be paid


class Account(Row):
    __tablename__ = "ledger_accounts"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str]
    balance: Mapped[int] = mapped_column(default=0)  # the wallet's; zero of all others, which are their entries' sums
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Transaction(Row):
    __tablename__ = "ledger_transactions"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str]
    reference: Mapped[str]  # unique: posting the same thing twice fails
    call_id: Mapped[UUID | None]
    at: Mapped[datetime] = mapped_column(default=utc_now)


class Entry(Row):
    __tablename__ = "ledger_entries"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    transaction_id: Mapped[UUID]
    account_id: Mapped[UUID]
    amount: Mapped[int]  # into the account when positive


class ArchivedTransaction(Row):
    """A transaction with its entries, put away by `ledger_put_away` (r0037) because it is older than a year."""

    __tablename__ = "ledger_archive"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    reference: Mapped[str]
    call_id: Mapped[UUID | None]
    at: Mapped[datetime]
    amounts: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))  # in the order of AccountKind; zero: not moved


class Refund(Row):
    """Who gave back what of a call's price, and why; written once."""

    __tablename__ = "refunds"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    call_id: Mapped[UUID]
    amount: Mapped[int]
    reason: Mapped[str]
    by_user: Mapped[UUID | None]  # None: the operator
    at: Mapped[datetime] = mapped_column(default=utc_now)


class Subscription(Row):
    """Which plan an organisation has; one row each, and none for those that were given none."""

    __tablename__ = "subscriptions"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    plan: Mapped[str]  # its name in config/plans.yaml; empty: the default
    alert_base: Mapped[int] = mapped_column(default=0)  # what there was after credits came in last
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)


class OwnPrice(Row):
    """What a resource costs an organisation from a moment on, until the next row of it; written once."""

    __tablename__ = "own_prices"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    resource: Mapped[str]  # crm.billing.prices.Resource
    price: Mapped[int | None]  # None: what its plan or the price table says
    from_at: Mapped[datetime]
    at: Mapped[datetime] = mapped_column(default=utc_now)


class BalanceAlert(Row):
    """An organisation was told that so many percent of its credits are used."""

    __tablename__ = "balance_alerts"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    level: Mapped[int]  # percent
    base: Mapped[int]
    available: Mapped[int]
    at: Mapped[datetime]


class LedgerDuty(Row):
    """An organisation whose ledger is to be replayed; no tenant's table (see crm.tenancy)."""

    __tablename__ = "ledger_duties"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    checked_at: Mapped[datetime | None]
