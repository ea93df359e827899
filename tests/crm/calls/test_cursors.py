"""Cursors move together, and only those of streams that are held and stand where they were left."""

from sqlalchemy import update

from crm.call_events import EventConsumer
from crm.calls.cursors import FIRST, CursorStore
from crm.calls.model import EventCursor
from crm.database import Sessions
from crm.unit_of_work import UnitOfWork
from events.ids import new_id


async def test_only_what_is_ours_and_where_we_left_it_moves(consumer: EventConsumer, sessions: Sessions) -> None:
    """The fixture leaves no cursor behind."""
    owner = new_id()
    async with UnitOfWork(sessions) as unit:
        store = CursorStore(unit, owner)
        held = await store.lease()
        await unit.session.execute(
            update(EventCursor).where(EventCursor.stream == "events:03").values(owner=new_id(), leased_until=None)
        )
        lost = await store.move(dict(held) | {"events:02": "9-9"}, dict.fromkeys(held, "5-0"))
        assert set(lost) == {"events:02", "events:03"}
        assert [await store.cursor(f"events:0{number}") for number in (1, 2, 3)] == ["5-0", FIRST, FIRST]
        assert await store.move(held, {}) == set()


async def test_a_lease_is_kept_however_long_a_round_takes(consumer: EventConsumer, sessions: Sessions) -> None:
    owner, other = new_id(), new_id()
    async with UnitOfWork(sessions) as unit:
        await CursorStore(unit, owner).lease()
        await unit.session.execute(update(EventCursor).values(leased_until=None))
        await CursorStore(unit, owner).keep()
        assert await CursorStore(unit, other).lease() == {}
        await CursorStore(unit, owner).give_up()
        assert len(await CursorStore(unit, other).lease()) == 16
