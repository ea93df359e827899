"""A caller who says nothing, from the greeting to the end of the call, in virtual time."""

import asyncio
from collections.abc import AsyncGenerator

import numpy as np
import pytest

from agent.llm.port import Delta, EventName, Request, Text
from agent.turns.smart_turn import SmartTurn
from bench.sim.loop import SimLoop
from bench.turns import stage
from bench.turns.scenes import Scene
from events.call import Outcome


def test_a_silent_caller_is_asked_offered_and_left(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def reply(_talker: stage.Talker, request: Request) -> AsyncGenerator[Delta, None]:
        asked.append(request.messages[-1].text)
        yield Text("Are you there?")

    monkeypatch.setattr(stage.Talker, "reply", reply)
    silent = Scene("silent", "whole", np.zeros(60 * 8_000, np.int16), (700, 57_000))
    with asyncio.Runner(loop_factory=SimLoop) as runner:
        (played,) = runner.run(stage.play_all([silent], stage.OURS[1], stage.Judgements(SmartTurn()), 90))
    assert asked == [EventName.ANSWERED, EventName.SILENCE, EventName.SILENCE_OFFER, EventName.SILENCE_END]
    assert played.result is not None
    assert played.result.outcome is Outcome.NO_RESPONSE
