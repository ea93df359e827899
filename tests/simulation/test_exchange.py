"""The simulated carrier: what it says of a call in good order and in disorder."""

import asyncio
import random

import pytest

from bench.sim.exchange import SID, Disorder, Exchange
from bench.sim.loop import SimLoop, run_virtual
from telephony.call import signals as sig
from telephony.carrier_port import CallOrder, CarrierInDoubt, CarrierRefused

ORDER = CallOrder("+12025550177", "+12025550100", "https://x/v", "https://x/s", "https://x/a", 30, 300)


def _call(disorder: Disorder, *, hang_up: bool = True) -> tuple[list[str], list[str]]:
    """Dial, talk for ten seconds, hang up; return the callbacks' words, and what happened at the carrier."""

    async def main(loop: SimLoop) -> tuple[list[str], list[str]]:
        told: list[sig.CallSignal] = []
        happened: list[str] = []
        exchange = Exchange(
            "sim",
            random.Random(1),  # noqa: S311 - repeatable, no secret
            disorder,
            told.append,
            lambda: happened.append("connected"),
            lambda: happened.append("ended"),
            lambda who, text: None,
            amd=(3.0, "human"),
        )
        try:
            await exchange.dial(ORDER)
        except CarrierRefused:
            happened.append("refused")
        except CarrierInDoubt:
            happened.append("in doubt")
            assert await exchange.find(ORDER, None) == SID  # type: ignore[arg-type]  # the time is not asked for
        await asyncio.sleep(13)
        if hang_up:
            await exchange.hang_up(SID)
        await asyncio.sleep(20)
        exchange.leave()
        assert loop.timers() == []
        return [one.status if isinstance(one, sig.CarrierStatus) else type(one).__name__ for one in told], happened

    return run_virtual(main)


def test_a_good_call() -> None:
    assert _call(Disorder()) == (
        ["initiated", "ringing", "in-progress", "Answerer", "completed"],
        ["connected", "ended"],
    )


def test_a_refused_dial_is_no_call() -> None:
    assert _call(Disorder(refuses=True), hang_up=False) == ([], ["refused"])


def test_a_dial_in_doubt_is_a_call_all_the_same() -> None:
    told, happened = _call(Disorder(doubtful=True))
    assert sorted(happened) == ["connected", "ended", "in doubt"]
    assert told[-1] == "completed"


def test_lost_callbacks_never_come() -> None:
    assert _call(Disorder(lost_share=1.0)) == (["Answerer"], ["connected", "ended"])


def test_callbacks_come_twice() -> None:
    told, _ = _call(Disorder(twice_share=1.0))
    assert sorted(told) == sorted(["initiated", "ringing", "in-progress", "completed"] * 2 + ["Answerer"])


def test_nobody_is_reached() -> None:
    assert _call(Disorder(ends_as="busy"), hang_up=False) == (["initiated", "ringing", "busy"], [])


def test_its_api_may_be_away() -> None:
    with pytest.raises(CarrierInDoubt):
        _call(Disorder(api_away_share=1.0))
