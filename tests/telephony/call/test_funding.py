"""What an answered call tells of its spending, and what its funds' end comes to."""

import asyncio

import pytest

from events.call import Metered, Outcome
from telephony.call import funding
from telephony.call.funding import Funding
from telephony.call.signals import CallSignal, FundsEnd, MeterDue
from telephony.call.talk_time import TalkTime
from telephony.call.timers import Timers


async def test_the_meter_the_last_words_and_the_end_come_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(funding, "METER_EVERY_S", 0.01)
    monkeypatch.setattr(funding, "GOODBYE_S", 0.0)
    queue: asyncio.Queue[CallSignal] = asyncio.Queue()
    clock = [0.0]
    timers = Timers(queue.put_nowait)
    spent = Funding(1, 600, TalkTime(lambda: clock[0]), timers)
    spent.begin()
    async with asyncio.timeout(20):
        assert await queue.get() == MeterDue()
        clock[0] = 0.2
        assert spent.metered() == Metered(1)
        assert await queue.get() == MeterDue()  # it was set again
        ends = {await queue.get(), await queue.get()}
    timers.stop()
    assert ends == {FundsEnd(last_call=True), FundsEnd(last_call=False)}


async def test_the_meter_tells_no_more_than_is_paid_for() -> None:
    clock = [0.0]
    timers = Timers(lambda _signal: None)
    spent = Funding(27, 600, TalkTime(lambda: clock[0]), timers)
    spent.begin()
    clock[0] = 28.2  # the carrier would not hang up
    assert spent.metered() == Metered(27)
    timers.stop()


@pytest.mark.parametrize(
    ("funded_s", "limit_s", "outcome"),
    [(600, 600, Outcome.TIME_LIMIT), (900, 600, Outcome.TIME_LIMIT), (599, 600, Outcome.OUT_OF_CREDIT)],
)
async def test_a_call_cut_off_ran_out_of_time_or_of_credit(funded_s: int, limit_s: int, outcome: Outcome) -> None:
    spent = Funding(funded_s, limit_s, TalkTime(lambda: 0.0), Timers(lambda _signal: None))
    assert spent.outcome is outcome
