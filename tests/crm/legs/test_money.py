"""What a second telephone in a call costs: reserved with its permit, metered, settled once, given back at the end."""

import httpx
import pytest
from redis.asyncio import Redis

from config.settings import Settings
from crm.billing.ledger import Ledger
from crm.billing.model import AccountKind
from crm.billing.replay import replay
from crm.call_events import EventConsumer
from crm.calls.model import Call
from crm.database import Sessions
from crm.unit_of_work import UnitOfWork
from events.call import Answered, Body, Closed, Finished, Metered, Outcome, State
from events.ids import new_id
from events.leg_events import LegAccepted, LegAnswered, LegArranged, LegEnded, LegMetered
from events.money import Millicredits, price_of_seconds
from tests.crm.conftest import Org
from tests.crm.fake_node import CallScript, publish
from tests.crm.legs.test_usecases import NUMBER, Node
from tests.crm.test_api import data


class Books:
    """An organisation's money and one of its calls, as they stand."""

    def __init__(
        self, sessions: Sessions, script: CallScript, redis: Redis, consumer: EventConsumer, api: httpx.AsyncClient
    ) -> None:
        self._sessions, self._script, self._redis, self._consumer, self._api = sessions, script, redis, consumer, api

    async def tell(self, *bodies: Body) -> None:
        await publish(self._redis, *self._script.events(bodies))
        await self._consumer.turn()

    async def wallet(self) -> int:
        async with UnitOfWork(self._sessions, self._script.org_id) as unit:
            assert await replay(unit) == []
            return await Ledger(unit).wallet()

    async def revenue(self) -> int:
        async with UnitOfWork(self._sessions, self._script.org_id) as unit:
            return (await Ledger(unit).balances())[AccountKind.REVENUE]

    async def call(self) -> Call:
        async with UnitOfWork(self._sessions, self._script.org_id) as unit:
            return await unit.session.get_one(Call, (self._script.org_id, self._script.call_id))

    async def leg(self) -> dict[str, object]:
        [leg] = data(await self._api.get(f"/api/calls/{self._script.call_id}"))["legs"]
        return dict(leg)


@pytest.fixture
def books(
    sessions: Sessions, script: CallScript, redis: Redis, consumer: EventConsumer, api: httpx.AsyncClient
) -> Books:
    return Books(sessions, script, redis, consumer, api)


@pytest.fixture
def node_of_call(client: httpx.AsyncClient, settings: Settings, script: CallScript, org: Org) -> Node:
    return Node(client, settings, script, org.user_id)


def end(billable_s: int) -> tuple[Body, Body]:
    return Finished(State.ENDED, Outcome.TRANSFERRED, duration_s=billable_s, billable_s=billable_s), Closed()


async def test_a_legs_minutes_are_its_own_and_what_it_did_not_use_goes_back(books: Books, node_of_call: Node) -> None:
    await books.tell(Answered())
    before, price = await books.wallet(), Millicredits((await books.call()).price_per_minute)
    leg_id = new_id()
    answer = await node_of_call.ask(leg_id=str(leg_id), purpose="consult")
    assert answer.permit
    reserved = before - await books.wallet()
    assert reserved > 0
    await node_of_call.ask(leg_id=str(leg_id), purpose="consult")
    assert before - await books.wallet() == reserved, "asked again it is the same leg"

    await books.tell(LegAccepted(leg_id, "CA2"), LegAnswered(leg_id), LegArranged(leg_id, "consulting", "Ada"))
    await books.tell(LegMetered(leg_id, 10), LegMetered(leg_id, 20), LegMetered(leg_id, 20))
    assert await books.revenue() == price_of_seconds(20, price)
    await books.tell(LegArranged(leg_id, "conference", "Ada"), LegEnded(leg_id, "hung_up", 31))
    assert await books.wallet() == before - price_of_seconds(31, price)
    leg = await books.leg()
    assert (leg["id"], leg["number"], leg["purpose"]) == (str(leg_id), NUMBER, "consult")
    assert (leg["billable_s"], leg["charged"]) == (31, price_of_seconds(31, price))
    assert (leg["reason"], leg["arrangement"], leg["carrier_call_id"]) == ("hung_up", "conference", "CA2")

    await books.tell(Metered(70), *end(70))
    call = await books.call()
    assert (call.held, call.charged) == (0, price_of_seconds(70, price)), "the call pays for its own minutes"
    assert await books.revenue() == price_of_seconds(70, price) + price_of_seconds(31, price)
    assert (await books.wallet()) >= 0


async def test_a_leg_whose_end_nobody_tells_costs_what_was_metered(books: Books, node_of_call: Node) -> None:
    await books.tell(Answered())
    price, leg_id = Millicredits((await books.call()).price_per_minute), new_id()
    assert (await node_of_call.ask(leg_id=str(leg_id), purpose="consult")).permit
    await books.tell(LegAnswered(leg_id), LegMetered(leg_id, 10), *end(40))
    assert (await books.call()).held == 0
    assert await books.revenue() == price_of_seconds(40, price) + price_of_seconds(10, price)
    assert (await books.leg())["reason"] == "call_over"
    await books.wallet()  # and the books agree


async def test_nobody_is_charged_beyond_what_was_reserved_or_for_a_leg_that_is_not_there(
    books: Books, node_of_call: Node
) -> None:
    await books.tell(Answered())
    before, leg_id = await books.wallet(), new_id()
    assert (await node_of_call.ask(leg_id=str(leg_id), purpose="consult")).permit
    reserved = before - await books.wallet()
    await books.tell(LegAnswered(leg_id), LegEnded(leg_id, "hung_up", 100_000), LegEnded(new_id(), "hung_up", 60))
    await books.tell(LegMetered(leg_id, 200_000))
    assert await books.wallet() == before - reserved


async def test_a_transfer_reserves_nothing_and_an_empty_wallet_consults_nobody(
    books: Books, node_of_call: Node, sessions: Sessions, org: Org
) -> None:
    await books.tell(Answered())
    before = await books.wallet()
    assert (await node_of_call.ask()).permit
    assert await books.wallet() == before
    async with UnitOfWork(sessions, org.id) as unit:
        await Ledger(unit).debit(Millicredits(before), "test", "all of it")
        await unit.commit()
    assert (await node_of_call.ask(purpose="consult")).refused == "no_credit"
    assert (await node_of_call.ask(purpose="transfer")).permit, "the call has paid for it"
