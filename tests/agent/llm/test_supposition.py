"""Answers begun before the question is certain: used when it was the same, else thrown away and counted."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.llm.attempt import DELTAS_MAX
from agent.llm.gateway import Gateway
from agent.llm.port import EventName, Failure, Message, Request, Role, Text
from agent.llm.supposition import same_question
from agent.llm.usage import Fate
from tests.agent.llm.players import NEVER, REQUEST, WORDS, Player, Scene, collect, text, unavailable, words


def question(spoken: str) -> Request:
    return Request((Message(Role.ASSISTANT, "Well, shall I?"), Message(Role.USER, spoken)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("yes please", "Yes, please."),
        ("it's  five-thirty", "It's five-thirty!"),
        ("sim, pode", "Sim pode…"),
        ("", "..."),
    ],
)
def test_the_same_words_are_the_same_question(one: str, other: str) -> None:
    assert same_question(question(one), question(other))


@pytest.mark.parametrize(
    ("one", "other"), [("yes", "yes yes"), ("five", "fine"), ("call me", "call me not"), ("were", "we're")]
)
def test_other_words_are_another(one: str, other: str) -> None:
    assert not same_question(question(one), question(other))


def test_what_the_agent_said_and_was_told_counts_to_the_letter() -> None:
    asked = question("yes")
    for other in (
        replace(asked, instructions="Be brief."),
        replace(asked, temperature=0.1),
        replace(asked, messages=(*asked.messages, Message(Role.EVENT, EventName.TIME_UP))),
        replace(asked, messages=(Message(Role.ASSISTANT, "well, shall i"), asked.messages[1])),
    ):
        assert not same_question(asked, other)


@given(st.text(), st.text())
def test_it_is_an_equivalence(one: str, other: str) -> None:
    assert same_question(question(one), question(one))
    assert same_question(question(one), question(other)) == same_question(question(other), question(one))


def ahead(
    scene: Scene, head_start_s: float, supposed: Request = REQUEST, asked: Request = REQUEST
) -> tuple[str, float]:
    """Suppose, wait, ask; returns what was said, and how long the first word took since it was asked for."""

    async def use(gateway: Gateway) -> tuple[str, float]:
        gateway.suppose(supposed)
        await asyncio.sleep(head_start_s)
        asked_s = asyncio.get_running_loop().time()
        first_s = 0.0
        said = ""
        async for delta in gateway.reply(asked):
            if isinstance(delta, Text):
                first_s = first_s or asyncio.get_running_loop().time() - asked_s
                said += delta.text
        return said, first_s

    return scene.run(use)


def test_the_right_guess_saves_its_head_start() -> None:
    player = Player([0.4, *words()])
    scene = Scene(player)
    said, first_s = ahead(scene, 0.3)
    assert said == WORDS
    assert first_s == pytest.approx(0.12)
    assert len(player.requests) == 1
    assert [call.fate for call in scene.calls] == [Fate.SPOKEN]


def test_an_answer_that_was_whole_before_it_was_wanted_is_told_as_spoken() -> None:
    scene = Scene(Player(words("Yes, of course. ")))
    assert ahead(scene, 5.0)[0] == "Yes, of course. "
    (call,) = scene.calls
    assert (call.fate, call.estimated) == (Fate.SPOKEN, False)


def test_the_wrong_guess_is_left_and_what_it_took_is_told() -> None:
    player = Player([*words("Yes, of "), NEVER], words())
    scene = Scene(player)
    assert ahead(scene, 0.3, question("yes"), question("yes but not now"))[0] == WORDS
    assert player.left == 1
    thrown, spoken = scene.calls
    assert (thrown.fate, thrown.failure) == (Fate.THROWN_AWAY, None)
    assert thrown.usage.prompt_tokens > 0
    assert thrown.usage.completion_tokens > 0
    assert thrown.cost
    assert spoken.fate is Fate.SPOKEN


def test_a_wrong_guess_that_was_answered_whole_is_told_as_thrown_away() -> None:
    scene = Scene(Player(words("Yes. "), words()))
    assert ahead(scene, 5.0, question("yes"), question("no"))[0] == WORDS
    assert [call.fate for call in scene.calls] == [Fate.THROWN_AWAY, Fate.SPOKEN]


def test_supposing_the_same_again_asks_once_and_another_thing_leaves_the_first() -> None:
    player = Player([NEVER])
    scene = Scene(player)

    async def use(gateway: Gateway) -> None:
        for spoken in ("yes", "Yes.", "yes but", "yes, but"):
            gateway.suppose(question(spoken))
            await asyncio.sleep(0.1)
        gateway.forget()
        gateway.forget()
        await asyncio.sleep(0.1)

    scene.run(use)
    assert len(player.requests) == 2
    assert [call.fate for call in scene.calls] == [Fate.THROWN_AWAY] * 2


@pytest.mark.parametrize("head_start_s", [0.05, 0.3])
def test_a_guess_that_failed_is_replaced_by_the_next_provider(head_start_s: float) -> None:
    first, second = Player([0.1, unavailable(Failure.UNAVAILABLE)]), Player(words())
    scene = Scene(first, second)
    assert ahead(scene, head_start_s)[0] == WORDS
    assert [(call.provider, call.fate) for call in scene.calls] == [("p0", Fate.FAILED), ("p1", Fate.SPOKEN)]


def test_a_rival_is_asked_only_when_the_answer_is_wanted() -> None:
    first, second = Player([NEVER]), Player(words())
    scene = Scene(first, second)
    assert ahead(scene, 1.0)[0] == WORDS
    assert second.asked_s == [pytest.approx(1.0)]
    assert {call.provider: call.fate for call in scene.calls} == {"p0": Fate.LOST, "p1": Fate.SPOKEN}


def test_a_guess_reads_no_more_than_its_buffer_holds() -> None:
    player = Player([f"w{number} " for number in range(1000)])
    scene = Scene(player)

    async def use(gateway: Gateway) -> None:
        gateway.suppose(REQUEST)
        await asyncio.sleep(10)
        gateway.forget()
        await asyncio.sleep(0.1)

    scene.run(use)
    assert scene.calls[0].usage.completion_tokens <= (DELTAS_MAX + 2) * 2


@pytest.mark.parametrize("script", [0, None])
def test_a_script_is_not_asked_ahead_nor_anybody_when_models_are_off(script: int | None) -> None:
    player = Player(words())
    scene = Scene(player, script=script, is_off=lambda: script is None)

    async def use(gateway: Gateway) -> None:
        gateway.suppose(REQUEST)
        await asyncio.sleep(1)

    scene.run(use)
    assert player.requests == []


def test_switched_off_in_between_what_was_begun_is_finished() -> None:
    off = False
    scene = Scene(Player(words()), is_off=lambda: off)

    async def use(gateway: Gateway) -> str:
        nonlocal off
        gateway.suppose(REQUEST)
        off = True
        return text(await collect(gateway))

    assert scene.run(use) == WORDS
