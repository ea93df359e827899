"""On which conditions an organisation uses the system now: its plan, and what a resource costs it.

Read from the database in the transaction that acts on them, and kept nowhere: a new plan, or a new price, holds for the
very next call in every process.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from crm.billing.at_zero import SETTING, AtZero
from crm.billing.model import OwnPrice, Subscription
from crm.billing.plans import Plan, Plans
from crm.billing.prices import Prices, Resource, price_at
from crm.database import utc_now
from crm.unit_of_work import UnitOfWork
from events.ids import new_id
from events.money import Millicredits

_READ: Final = text("""
    SELECT subscription.plan, subscription.alert_base, own.price, organisation.settings ->> :at_zero AS at_zero
    FROM organisations AS organisation LEFT JOIN subscriptions AS subscription ON subscription.org_id = :org
    LEFT JOIN LATERAL (
        SELECT price FROM own_prices WHERE org_id = :org AND resource = :resource AND from_at <= :at
        ORDER BY from_at DESC, id DESC LIMIT 1
    ) AS own ON true
    WHERE organisation.id = :org
""")


@dataclass(frozen=True, slots=True)
class Tariff:
    """The operator's tables."""

    prices: Prices
    plans: Plans


@dataclass(frozen=True, slots=True)
class Conditions:
    plan: Plan
    price: Millicredits  # of one unit of the resource that was asked about
    credit: Millicredits  # what calls may use beyond what is paid; none unless the organisation wants it
    alert_base: int = 0  # what there was after credits came in last


class ConditionStore:
    def __init__(self, unit: UnitOfWork) -> None:
        self._session = unit.session
        self._org_id = unit.org_id

    async def read(self, tariff: Tariff, resource: Resource, at: datetime) -> Conditions:
        """Return what holds at that moment: the organisation's own price before its plan's, that before the table's."""
        asked = {"org": self._org_id, "resource": resource.value, "at": at, "at_zero": SETTING}
        row = (await self._session.execute(_READ, asked)).one()
        plan = tariff.plans.named(row.plan or "")
        price = row.price or price_at(plan.prices.get(resource) or tariff.prices[resource], at)
        on_credit = row.at_zero == AtZero.ON_CREDIT
        credit = plan.credit if on_credit else Millicredits(0)
        return Conditions(plan, Millicredits(price), credit, row.alert_base or 0)

    async def subscribe(self, plan: str) -> None:
        """Let the organisation have that plan from now on."""
        put = insert(Subscription).values(org_id=self._org_id, id=new_id(), plan=plan)
        await self._session.execute(
            put.on_conflict_do_update(index_elements=["org_id"], set_={"plan": plan, "updated_at": utc_now()})
        )

    async def lock(self) -> str:
        """Return the name of the organisation's plan, empty for none, and have others who lock it wait."""
        put = insert(Subscription).values(org_id=self._org_id, id=new_id(), plan="")
        await self._session.execute(put.on_conflict_do_nothing(index_elements=["org_id"]))
        locked = select(Subscription.plan).where(Subscription.org_id == self._org_id).with_for_update()
        return (await self._session.execute(locked)).scalar_one()

    def add_price(self, resource: Resource, price: Millicredits | None, from_at: datetime) -> UUID:
        """Let the organisation have a price of its own from then on; None: no longer. What came last holds."""
        made = OwnPrice(org_id=self._org_id, id=new_id(), resource=resource.value, price=price, from_at=from_at)
        self._session.add(made)
        return made.id
