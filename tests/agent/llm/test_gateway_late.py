"""What a gateway says of an answer that is late, whom it asks once more, and when it gives up."""

import asyncio

import pytest

from agent.llm.gateway import Gateway
from agent.llm.port import (
    Failure,
    Late,
    ModelUnavailable,
    Text,
)
from tests.agent.llm.players import (
    NEVER,
    PATIENCE,
    SLOW,
    WORDS,
    Player,
    Scene,
    Step,
    collect,
    text,
    unavailable,
    words,
)


def test_a_late_answer_says_once_that_it_is_late() -> None:
    deltas = Scene(Player([1.5, *words()])).answer()
    assert deltas[0] == Late()
    assert deltas.count(Late()) == 1
    assert text(deltas) == WORDS


def test_an_answer_that_is_late_to_go_on_says_so_behind_what_came() -> None:
    """Half a sentence is not spoken, so it does not fill the silence."""
    deltas = Scene(Player(["I can ", unavailable(Failure.CUT)]), Player([1.5, "call you."])).answer()
    assert deltas[:2] == [Text("I can "), Late()]
    assert text(deltas) == "I can call you."


def test_an_answer_that_flows_is_not_called_late_however_long_it_is() -> None:
    assert Late() not in Scene(Player(words(WORDS * 10))).answer()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (["I can ", 0.95, "call you."], []),
        (["I can ", NEVER], ["call you."]),
        (["I ", 0.1, unavailable()], [0.9, "can call you."]),
    ],
)
def test_an_answer_that_stops_before_a_sentence_is_whole_is_late_too(first: list[Step], second: list[Step]) -> None:
    """Whether anything is being heard is for the speaker to know."""
    deltas = Scene(Player(first), Player(second)).answer()
    assert deltas.count(Late()) == 1
    assert text(deltas).split() == ["I", "can", "call", "you."]


@pytest.mark.parametrize("failure", [Failure.UNAVAILABLE, Failure.CUT, Failure.EMPTY, Failure.GARBAGE])
def test_a_failure_in_passing_is_asked_once_more_when_nobody_is_left(failure: Failure) -> None:
    failing: list[Step] = [unavailable(failure)]
    only = Player(failing, words())
    assert text(Scene(only).answer()) == WORDS
    assert only.asked_s == pytest.approx([0.0, PATIENCE.retry_after_s])
    twice = Player(failing)
    _, error = Scene(twice).failing()
    assert error.failure is Failure.EXHAUSTED
    assert len(twice.requests) == 2


@pytest.mark.parametrize("failure", [Failure.REFUSED_KEY, Failure.RATE_LIMITED, Failure.REFUSED_REQUEST])
def test_a_refusal_is_not_asked_again(failure: Failure) -> None:
    player = Player([unavailable(failure)])
    Scene(player).failing()
    assert len(player.requests) == 1


def test_an_answer_is_given_up_in_time_however_many_could_be_asked() -> None:
    players = [Player([NEVER]) for _ in range(9)]
    scene = Scene(*players)

    async def use(gateway: Gateway) -> float:
        with pytest.raises(ModelUnavailable):
            await collect(gateway)
        return asyncio.get_running_loop().time()

    assert scene.run(use) == pytest.approx(PATIENCE.give_up_s)
    assert sum(player.left for player in players) == sum(len(player.requests) for player in players)


def test_the_rest_of_a_broken_answer_is_given_up_in_time_too() -> None:
    scene = Scene(Player([3.0, "I can ", NEVER]), *[Player([NEVER]) for _ in range(9)], slow=True)

    async def use(gateway: Gateway) -> float:
        with pytest.raises(ModelUnavailable):
            await collect(gateway)
        return asyncio.get_running_loop().time()

    assert scene.run(use) == pytest.approx(3.0 + SLOW.next_token_s + SLOW.give_up_s)
