"""What an answered call tells of its spending, and what its funds' end comes to."""

import asyncio
from typing import cast

import pytest

from events.call import Metered, Outcome
from telephony.call import funding
from telephony.call.ending import WARN_S, EndsSoon, Why
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
        assert await queue.get() == EndsSoon(Why.CREDITS, 1)
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


class Due:
    """Timers that are looked at, not waited for: when each is due, in seconds from when it was set."""

    def __init__(self) -> None:
        self.delays: dict[str, float] = {}
        self.warnings: list[tuple[float, CallSignal]] = []  # in the order in which they were set

    def set(self, name: str, delay_s: float, signal: CallSignal) -> None:
        self.delays[name] = delay_s
        if isinstance(signal, EndsSoon):
            self.warnings.append((delay_s, signal))


def spending(funded_s: int) -> tuple[Funding, Due, list[float]]:
    due, clock = Due(), [0.0]
    return Funding(funded_s, 600, TalkTime(lambda: clock[0]), cast(Timers, due)), due, clock


def test_credits_that_come_in_mid_call_move_the_end() -> None:
    spent, due, clock = spending(60)
    spent.begin()
    assert (due.delays["goodbye"], due.delays["funds"]) == (48.0, 60.0)
    clock[0] = 30.0
    spent.change(120)
    assert (due.delays["goodbye"], due.delays["funds"]) == (78.0, 90.0)
    clock[0] = 100.0
    assert spent.metered() == Metered(100)


def test_the_end_is_told_a_minute_before_and_taken_back_when_it_is_put_off() -> None:
    spent, due, clock = spending(90)
    spent.begin()
    assert due.warnings == [(30.0, EndsSoon(Why.CREDITS, WARN_S))]
    clock[0] = 40.0
    spent.change(200)
    assert due.warnings[1:] == [(0.0, EndsSoon(Why.CREDITS, None)), (100.0, EndsSoon(Why.CREDITS, WARN_S))]
    spent.change(45)
    assert due.warnings[3:] == [(0.0, EndsSoon(Why.CREDITS, funding.GOODBYE_S))]
    spent.change(600)
    assert due.warnings[-1] == (500.0, EndsSoon(Why.TIME_LIMIT, WARN_S)), "the limit of all calls"


def test_a_goodbye_that_is_being_said_is_not_said_twice() -> None:
    spent, due, clock = spending(60)
    spent.begin()
    clock[0] = 50.0
    spent.change(600)
    assert (due.delays["goodbye"], due.delays["funds"]) == (48.0, 550.0), "the call ends by itself, not amid a word"


@pytest.mark.parametrize("funded_s", [0, 30, 41])
def test_credits_that_are_gone_leave_time_for_a_goodbye(funded_s: int) -> None:
    spent, due, clock = spending(300)
    spent.begin()
    clock[0] = 40.0
    spent.change(funded_s)
    assert (due.delays["goodbye"], due.delays["funds"]) == (0.0, funding.GOODBYE_S)
    assert spent.metered() == Metered(min(40, funded_s))
    assert spent.outcome is Outcome.OUT_OF_CREDIT


def test_before_the_answer_the_funds_are_just_noted() -> None:
    spent, due, _ = spending(60)
    spent.change(90)
    assert due.delays == {}
    spent.begin()
    assert due.delays["funds"] == 90.0


def test_a_conversation_whose_time_was_up_had_no_credit_for_more() -> None:
    spent, _, clock = spending(60)
    assert spent.named(Outcome.TIME_LIMIT) is Outcome.TIME_LIMIT, "not even answered"
    spent.begin()
    clock[0] = 30.0
    assert spent.named(Outcome.TIME_LIMIT) is Outcome.TIME_LIMIT, "somebody else said so, such as a node that stops"
    clock[0] = 50.0
    assert spent.named(Outcome.TIME_LIMIT) is Outcome.OUT_OF_CREDIT
    assert spent.named(Outcome.GOAL_REACHED) is Outcome.GOAL_REACHED
