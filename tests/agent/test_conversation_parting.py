"""What is said to the agent's goodbye, in virtual time: nobody is cut off in mid-word, the last wish is heard."""

import asyncio
from collections.abc import AsyncGenerator

import numpy as np
import pytest

from agent.llm.port import Delta, Request, Role, Text, ToolCall
from agent.turns import timing
from agent.turns.smart_turn import SmartTurn
from bench.sim.loop import SimLoop
from bench.turns import stage
from bench.turns.scenes import Scene
from bench.turns.sounds import say, silence
from events import call as events
from events.call import Outcome

PARTING_MS = round(timing.PARTING_S * 1_000)


async def goodbye(_talker: stage.Talker, request: Request) -> AsyncGenerator[Delta, None]:
    """Say goodbye to whatever happens; take down who says that they want no more calls."""
    stop = request.messages[-1].role is Role.USER and "list" in request.messages[-1].text
    if stop:
        yield ToolCall("1", "note_fact", {"kind": "opted_out"})
    yield Text("Thank you, and goodbye.")
    yield ToolCall("2", "end_call", {"outcome": "opted_out" if stop else "goal_reached"})


def hear(text: str, at_ms: int, monkeypatch: pytest.MonkeyPatch) -> stage.Played:
    """Let the caller say that so long after the agent's goodbye."""
    monkeypatch.setattr(stage.Talker, "reply", goodbye)
    said = say(text, "en-us", 165)
    pcm = np.concatenate([silence(at_ms), said.sound, silence(8_000)])
    words = tuple((word, at_ms + end_ms) for word, end_ms in said.words)
    scene = Scene("parting", "whole", pcm, (at_ms, at_ms + len(said.sound) // 8), words)
    with asyncio.Runner(loop_factory=SimLoop) as runner:
        (played,) = runner.run(stage.play_all([scene], stage.OURS[1], stage.Judgements(SmartTurn()), 90))
    return played


def caller_said(played: stage.Played) -> list[str]:
    turns = [body for body in played.told if isinstance(body, events.TurnFinished)]
    return [turn.text for turn in turns if turn.speaker is events.Speaker.CALLER]


@pytest.mark.parametrize("before_ms", [400, 110, 90, 70])
def test_nobody_is_hung_up_on_who_has_begun_to_speak(before_ms: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Begun shortly before we would have hung up: it is a voice only after the line would have been closed."""
    played = hear("no thank you goodbye", PARTING_MS - before_ms, monkeypatch)
    assert caller_said(played) == ["no thank you goodbye"]
    assert played.result is not None
    assert played.result.outcome is Outcome.GOAL_REACHED


def test_who_wants_no_more_calls_may_say_so_after_the_goodbye(monkeypatch: pytest.MonkeyPatch) -> None:
    played = hear("take me off your list", 300, monkeypatch)
    assert [body.kind for body in played.told if isinstance(body, events.FactNoted)] == [events.FactKind.OPTED_OUT]
    assert played.result is not None
    assert played.result.outcome is Outcome.OPTED_OUT


def test_a_caller_who_says_nothing_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    played = hear("hello", PARTING_MS + 400, monkeypatch)
    assert caller_said(played) == []
    assert played.result is not None
    assert played.result.outcome is Outcome.GOAL_REACHED
