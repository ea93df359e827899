"""What is told of what a caller says, with a model to ask and without, on a virtual clock."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from agent.llm.port import Failure, ModelUnavailable, ToolCall
from agent.understanding.asked import TOOL
from agent.understanding.grasp import ASK_TIMEOUT_S, FINISH_TIMEOUT_S, LEXICON, WAITING_MAX, Grasp
from agent.understanding.lexicon_files import lexicon_for
from agent.understanding.objections import read_examples
from agent.understanding.senses import NO_SENSES, Senses
from events.call import Body
from events.understanding import CallerAngry, CallerUnderstood, CorrectedObjection, Mood, ObjectionKind
from tests.agent.llm.players import NEVER, Player
from tests.virtual_clock import run_virtual

EN: Final = lexicon_for("en")
MODEL: Final = "openai:m"
HAPPY: Final = ToolCall("1", TOOL, {"sentiment": 0.8, "confidence": 0.9, "objection": "none", "quote": ""})


def told_by(senses: Senses, *said: str) -> list[Body]:
    told: list[Body] = []
    grasp = Grasp(senses, told.append)
    for turn, text in enumerate(said, 1):
        grasp.hear(turn, text)
    return told


def test_each_utterance_is_told_with_its_mood_and_objections() -> None:
    [understood] = told_by(Senses(EN), "I'm sorry, it's too expensive")
    assert isinstance(understood, CallerUnderstood)
    assert (understood.turn, understood.mood, understood.source) == (1, Mood.NEGATIVE, LEXICON)
    assert (understood.objections, understood.quotes) == ((ObjectionKind.PRICE,), ("too expensive",))


def test_what_was_not_made_out_is_not_judged() -> None:
    assert told_by(Senses(EN), "", "  ") == []


def test_nothing_is_said_in_a_language_without_lists() -> None:
    assert told_by(NO_SENSES, "shut up") == []


def test_an_angry_caller_is_told_once_a_call() -> None:
    told = told_by(Senses(EN), "shut up", "thank you so much, you've been great", "wonderful", "go to hell")
    assert [type(body) for body in told].count(CallerAngry) == 1
    assert isinstance(told[1], CallerAngry)
    assert told[1].turn == 1


def test_short_or_uncertain_text_never_raises_the_alert() -> None:
    told = told_by(Senses(EN), *["bad", "no", "problem", "late"] * 10)
    assert {type(body) for body in told} == {CallerUnderstood}
    assert {body.mood for body in told if isinstance(body, CallerUnderstood)} <= {Mood.NEUTRAL, Mood.NEGATIVE}


def test_corrections_of_the_organisation_count() -> None:
    senses = Senses(EN, read_examples([CorrectedObjection("the roof belongs to the church", "authority")]))
    [understood] = told_by(senses, "you see the roof belongs to the church")
    assert isinstance(understood, CallerUnderstood)
    assert understood.objections == (ObjectionKind.AUTHORITY,)


def with_model(player: Player, use: Callable[[Grasp], Coroutine[Any, Any, None]]) -> list[CallerUnderstood]:
    told: list[Body] = []

    async def run() -> None:
        grasp = Grasp(Senses(EN, (), player, MODEL), told.append)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(grasp.run())
            await use(grasp)
            await grasp.finish()
            running.cancel()

    run_virtual(run())
    return [body for body in told if isinstance(body, CallerUnderstood)]


def test_a_model_judges_where_one_is_named() -> None:
    async def use(grasp: Grasp) -> None:
        assert grasp.asks
        grasp.hear(1, "it is what it is")
        await asyncio.sleep(1)

    [understood] = with_model(Player([HAPPY]), use)
    assert (understood.mood, understood.source) == (Mood.POSITIVE, MODEL)


def test_a_model_that_fails_or_is_late_leaves_it_to_the_lexicon() -> None:
    async def use(grasp: Grasp) -> None:
        grasp.hear(1, "that's wonderful")
        await asyncio.sleep(1)
        grasp.hear(2, "that's terrible and awful")
        await asyncio.sleep(ASK_TIMEOUT_S + 1)
        grasp.hear(3, "that's fantastic")
        await asyncio.sleep(1)

    player = Player([ModelUnavailable("away", Failure.UNAVAILABLE)], [NEVER], ["no call"])
    told = with_model(player, use)
    assert [(one.turn, one.mood, one.source) for one in told] == [
        (1, Mood.POSITIVE, LEXICON),
        (2, Mood.NEGATIVE, LEXICON),
        (3, Mood.POSITIVE, LEXICON),
    ]
    assert player.left == 1, "the late request was cancelled"


def test_the_call_s_end_waits_a_moment_and_loses_no_utterance() -> None:
    started = []

    async def use(grasp: Grasp) -> None:
        for turn in range(1, 4):
            grasp.hear(turn, "that's wonderful")
        started.append(asyncio.get_running_loop().time())
        await grasp.finish()
        assert asyncio.get_running_loop().time() - started[0] <= FINISH_TIMEOUT_S + 0.1
        grasp.hear(4, "that's terrible and awful")

    told = with_model(Player([NEVER]), use)
    assert sorted((one.turn, one.source) for one in told) == [(turn, LEXICON) for turn in range(1, 5)]


def test_when_too_many_wait_the_lexicon_judges_at_once() -> None:
    async def use(grasp: Grasp) -> None:
        for turn in range(WAITING_MAX + 3):
            grasp.hear(turn, "that's wonderful")

    told = with_model(Player([NEVER]), use)
    assert [one.turn for one in told[:3]] == [WAITING_MAX, WAITING_MAX + 1, WAITING_MAX + 2]
    assert sorted(one.turn for one in told) == list(range(WAITING_MAX + 3))
