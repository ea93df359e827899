"""The gateway on a virtual clock: who is asked when, what is said, and what each request took."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.llm.attempt import DELTAS_MAX
from agent.llm.breaker import FAILURES_MAX, OPEN_S, State
from agent.llm.gateway import Gateway
from agent.llm.port import (
    Delta,
    Failure,
    Finish,
    FinishReason,
    ModelUnavailable,
    Request,
    Text,
    ToolCall,
    Usage,
)
from agent.llm.race import Patience
from agent.llm.usage import Fate
from tests.agent.llm.players import (
    NEVER,
    PATIENCE,
    REQUEST,
    WORDS,
    Player,
    Scene,
    Step,
    collect,
    text,
    unavailable,
    words,
)


def test_the_first_provider_answers_and_nobody_else_is_asked() -> None:
    first, second = Player(words()), Player(words())
    scene = Scene(first, second)
    deltas = scene.answer()
    assert text(deltas) == WORDS
    assert deltas[-1] == Finish(FinishReason.STOP)
    assert second.requests == []
    (call,) = scene.calls
    assert (call.provider, call.fate, call.usage, call.estimated, call.cost) == (
        "p0",
        Fate.SPOKEN,
        Usage(10, 5),
        False,
        20,
    )
    assert call.first_token_ms == 20


@pytest.mark.parametrize("failure", [f for f in Failure if f is not Failure.TIMEOUT])
def test_a_provider_that_fails_at_once_is_replaced_at_once(failure: Failure) -> None:
    first, second = Player([0.1, unavailable(failure)]), Player(words())
    scene = Scene(first, second)
    assert text(scene.answer()) == WORDS
    assert second.asked_s == [pytest.approx(0.1)]
    assert [(call.fate, call.failure) for call in scene.calls] == [(Fate.FAILED, failure), (Fate.SPOKEN, None)]


def test_a_late_first_token_starts_a_rival_and_the_faster_one_speaks() -> None:
    first, second = Player([NEVER, "too late"]), Player([0.1, *words()])
    scene = Scene(first, second)
    assert text(scene.answer()) == WORDS
    assert second.asked_s == [pytest.approx(PATIENCE.hedge_after_s)]
    assert first.left == 1
    lost = next(call for call in scene.calls if call.provider == "p0")
    assert (lost.fate, lost.failure, lost.estimated) == (Fate.LOST, None, True)
    assert lost.usage.prompt_tokens > 0
    assert lost.cost


def test_the_first_may_still_win_against_its_rival() -> None:
    first, second = Player([0.6, *words()]), Player([NEVER, "too late"])
    scene = Scene(first, second)
    assert text(scene.answer()) == WORDS
    assert second.left == 1
    assert {call.provider: call.fate for call in scene.calls} == {"p0": Fate.SPOKEN, "p1": Fate.LOST}


def test_blanks_are_no_first_token() -> None:
    first, second = Player(["\n", NEVER]), Player(words())
    scene = Scene(first, second)
    assert text(scene.answer()).strip() == WORDS.strip()
    assert len(second.requests) == 1


def test_a_script_is_no_rival_but_speaks_when_nobody_else_does() -> None:
    late, never = Player([1.0, *words()]), Player([NEVER])
    script = Player(words("By the book. "))
    assert text(Scene(late, script, script=1).answer()) == WORDS
    assert script.requests == []
    assert text(Scene(never, script, script=1).answer()) == "By the book. "
    assert script.asked_s == [pytest.approx(PATIENCE.first_token_s)]


def test_a_provider_without_a_first_token_is_given_up() -> None:
    first = Player([NEVER])
    scene = Scene(first)
    said, error = scene.failing()
    assert (said, error.failure) == ("", Failure.EXHAUSTED)
    assert scene.calls[0].total_ms == PATIENCE.first_token_s * 1000
    assert (scene.calls[0].fate, scene.calls[0].failure) == (Fate.FAILED, Failure.TIMEOUT)


def test_never_more_than_two_are_asked_at_once() -> None:
    players = [Player([NEVER]) for _ in range(4)]
    scene = Scene(*players)
    scene.failing()
    asked = [player.asked_s[0] for player in players]
    assert asked == pytest.approx([0.0, 0.5, 2.0, 2.5])


@pytest.mark.parametrize("cut_after", range(1, 12))
def test_a_failure_in_mid_answer_is_not_heard(cut_after: int) -> None:
    """The second provider is given what was said, repeats some of it all the same, and nothing comes twice."""
    spoken = WORDS.split()
    for repeated in (0, 3, cut_after):
        rest = " ".join(spoken[max(0, cut_after - max(repeated, 0)) :]) + " "
        broken: list[Step] = [*words(" ".join(spoken[:cut_after]))[:-2], "begun-and-", unavailable(Failure.CUT)]
        first, second = Player(broken), Player(words(rest))
        scene = Scene(first, second)
        assert text(scene.answer()).split() == spoken
        assert second.requests[0].said.split() == spoken[:cut_after]


def test_a_stall_in_mid_answer_ends_after_its_time() -> None:
    first, second = Player(["I can ", NEVER]), Player(["call you."])
    scene = Scene(first, second)
    assert text(scene.answer()) == "I can call you."
    assert second.asked_s == [pytest.approx(PATIENCE.next_token_s)]
    assert first.left == 1


def test_a_rival_that_was_left_is_asked_again_when_the_winner_fails() -> None:
    first, second = Player([NEVER], words("call you. ")), Player(["I can ", unavailable(Failure.CUT)])
    scene = Scene(first, second)
    assert text(scene.answer()) == "I can call you. "
    fates = [(call.provider, call.fate) for call in scene.calls]
    assert sorted(fates) == [("p0", Fate.LOST), ("p0", Fate.SPOKEN), ("p1", Fate.SPOKEN)]


def test_tools_are_not_called_twice() -> None:
    note = ToolCall("a", "note_fact", {"kind": "meeting"})
    again = ToolCall("b", "note_fact", {"kind": "meeting"})
    other = ToolCall("c", "end_call", {})
    first, second = Player(["Done. ", note, unavailable(Failure.CUT)]), Player([again, other])
    scene = Scene(first, second)
    deltas = scene.answer()
    assert [delta for delta in deltas if isinstance(delta, ToolCall)] == [note, other]
    assert second.requests[0].called == (note,)


def test_words_come_before_the_tool_that_follows_them() -> None:
    call = ToolCall("a", "end_call", {})
    deltas = Scene(Player(["Good", "bye.", call, Finish(FinishReason.STOP)])).answer()
    assert deltas == [Text("Goodbye."), call, Finish(FinishReason.STOP)]


def test_when_all_are_down_it_is_known_in_time_and_says_why() -> None:
    scene = Scene(Player([unavailable()]), Player([0.3, unavailable(Failure.RATE_LIMITED)]))
    said, error = scene.failing()
    assert said == ""
    assert error.failure is Failure.EXHAUSTED
    assert "away; away" in str(error)


def test_what_was_said_before_the_last_one_failed_stays_said() -> None:
    said, error = Scene(Player(["I can ca", unavailable()])).failing()
    assert (said, error.failure) == ("I can ", Failure.EXHAUSTED)


def test_a_provider_that_keeps_failing_is_left_alone_and_comes_back_by_itself() -> None:
    failing: list[Step] = [unavailable()]
    first, second = Player(*[failing] * FAILURES_MAX, words()), Player(words())
    scene = Scene(first, second)

    async def use(gateway: Gateway) -> tuple[int, int]:
        for _ in range(FAILURES_MAX + 2):
            assert text(await collect(gateway)) == WORDS
        failed = len(first.requests)
        await asyncio.sleep(OPEN_S)
        await collect(gateway)
        return failed, len(first.requests)

    assert scene.run(use) == (FAILURES_MAX, FAILURES_MAX + 1)
    assert scene.breakers[0].state is State.CLOSED


def test_one_that_stalls_in_every_answer_is_left_alone_too() -> None:
    first, second = Player(["I can ", NEVER]), Player(["call you."])
    scene = Scene(first, second)

    async def use(gateway: Gateway) -> None:
        for _ in range(FAILURES_MAX + 1):
            await collect(gateway)

    scene.run(use)
    assert len(first.requests) == FAILURES_MAX


def test_closing_the_answer_leaves_the_vendor() -> None:
    first = Player(["I can ", NEVER])
    scene = Scene(first)

    async def use(gateway: Gateway) -> None:
        deltas = gateway.reply(REQUEST)
        assert await anext(deltas) == Text("I can ")
        await deltas.aclose()

    scene.run(use)
    assert first.left == 1
    assert (scene.calls[0].fate, scene.calls[0].failure) == (Fate.SPOKEN, None)


def test_closing_it_before_the_first_token_leaves_all_that_run() -> None:
    first, second = Player([NEVER]), Player([NEVER])
    scene = Scene(first, second)

    async def use(gateway: Gateway) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.8):
                await collect(gateway)

    scene.run(use)
    assert (first.left, second.left) == (1, 1)
    assert [call.fate for call in scene.calls] == [Fate.ABANDONED] * 2
    assert [breaker.failures for breaker in scene.breakers] == [0, 0]


def test_the_switch_stops_new_answers_and_lets_running_ones_end() -> None:
    off = False
    first = Player(words())
    scene = Scene(first, is_off=lambda: off)

    async def use(gateway: Gateway) -> str:
        nonlocal off
        said: list[Delta] = []
        async with aclosing(gateway.reply(REQUEST)) as deltas:
            async for delta in deltas:
                off = True
                said.extend([delta])
        with pytest.raises(ModelUnavailable) as caught:
            await collect(gateway)
        assert caught.value.failure is Failure.SWITCHED_OFF
        return text(said)

    assert scene.run(use) == WORDS
    assert len(first.requests) == 1


def test_a_reader_that_does_not_read_stops_the_vendor_s_words() -> None:
    made = 0

    class Endless:
        async def reply(self, request: Request) -> AsyncGenerator[Delta, None]:
            nonlocal made
            while True:
                made += 1
                yield Text("word ")
                await asyncio.sleep(0)

    scene = Scene(Endless())  # type: ignore[arg-type]  # a model like any other

    async def use(gateway: Gateway) -> None:
        deltas = gateway.reply(REQUEST)
        await anext(deltas)
        await asyncio.sleep(10)
        await deltas.aclose()

    scene.run(use)
    assert made <= DELTAS_MAX + 2


def test_a_fault_of_ours_ends_the_answer_and_nothing_else() -> None:
    scene = Scene(Player([ZeroDivisionError("a bug")]))

    async def use(gateway: Gateway) -> None:
        with pytest.raises(ZeroDivisionError):
            await collect(gateway)

    scene.run(use)  # the task group lives


def test_patience_is_checked() -> None:
    for wrong in (
        {"hedge_after_s": 0.0},
        {"hedge_after_s": 3.0},
        {"give_up_s": 1.0},
        {"next_token_s": 0.0},
        {"late_after_s": 0.0},
        {"retry_after_s": -1.0},
    ):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            Patience(**wrong)


PLAY = st.one_of(
    st.just("whole"), st.tuples(st.sampled_from(["cut", "stall"]), st.integers(0, 12)), st.floats(0.01, 3.0)
)


@given(st.lists(PLAY, min_size=1, max_size=4), st.integers(0, 4))
def test_whatever_fails_when_the_words_are_those_of_one_answer(plays: list[Any], repeats: int) -> None:
    """Each goes on where the others stopped, with some repetition: what is said is one answer, or its beginning."""
    spoken = WORDS.split()

    class Obedient:
        def __init__(self, play: Any) -> None:
            self.play = play

        async def reply(self, request: Request) -> AsyncGenerator[Delta, None]:
            said = len(request.said.split())
            start = max(0, said - repeats) if repeats >= 3 or said <= repeats else said
            if isinstance(self.play, float):
                await asyncio.sleep(self.play)
            for number, word in enumerate(spoken[start:]):
                if isinstance(self.play, tuple) and number == self.play[1]:
                    if self.play[0] == "cut":
                        raise unavailable(Failure.CUT)
                    await asyncio.sleep(NEVER)
                yield Text(word[:1])
                yield Text(f"{word[1:]} ")

    scene = Scene(*(Obedient(play) for play in plays))  # type: ignore[arg-type]  # models like any other
    said: list[Delta] = []

    async def use(gateway: Gateway) -> bool:
        try:
            async with aclosing(gateway.reply(REQUEST)) as deltas:
                async for delta in deltas:
                    said.extend([delta])
        except ModelUnavailable:
            return False
        return True

    whole = scene.run(use)
    heard = text(said).split()
    assert heard == (spoken if whole else spoken[: len(heard)])
