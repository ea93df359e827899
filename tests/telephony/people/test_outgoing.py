"""What waits for one page: answers come first and all, or it is over; of the feed the newest come."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from telephony.people.outgoing import Outgoing


async def test_answers_come_before_the_feed() -> None:
    outgoing = Outgoing()
    outgoing.feed(b"f1")
    outgoing.tell(b"t1")
    outgoing.feed(b"f2")
    assert [await outgoing.get() for _ in range(3)] == [b"t1", b"f1", b"f2"]
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(outgoing.get())
        await asyncio.sleep(0)
        outgoing.tell(b"t2")
    assert waiting.result() == b"t2"


@given(st.lists(st.booleans(), max_size=40))
def test_it_is_bounded_and_says_what_went(tells: list[bool]) -> None:
    outgoing = Outgoing(told_max=3, fed_max=4)
    for number, tell in enumerate(tells):
        (outgoing.tell if tell else outgoing.feed)(bytes([number]))
    told = [bytes([number]) for number, tell in enumerate(tells) if tell]
    fed = [bytes([number]) for number, tell in enumerate(tells) if not tell]
    assert outgoing.overrun == (len(told) > 3)
    assert outgoing.shed == max(0, len(fed) - 4)
    assert len(outgoing) == min(3, len(told))

    async def rest() -> list[bytes]:
        return [await outgoing.get() for _ in range(min(3, len(told)) + min(4, len(fed)))]

    assert asyncio.run(rest()) == told[:3] + fed[-4:]
