"""Several recognisers and one utterance: who is asked when, and whose words count."""

import asyncio
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.stt.port import Transcript, TranscriptionUnavailable
from agent.stt.rivals import RIVALS_MAX, Answer, first_with_words
from tests.virtual_clock import run_virtual

HEDGE_S = 0.4
FAILS = None  # in place of words


@dataclass
class Ears:
    """Recognisers by rank: after how many seconds each says what."""

    plans: list[tuple[float, str | None]]
    asked: list[tuple[int, float]] = field(default_factory=list)  # rank, moment
    cancelled: list[int] = field(default_factory=list)
    at_once: int = 0
    most: int = 0

    async def ask(self, rank: int) -> Answer:
        self.asked.append((rank, asyncio.get_running_loop().time()))
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        after_s, text = self.plans[rank]
        try:
            await asyncio.sleep(after_s)
        except asyncio.CancelledError:
            self.cancelled.append(rank)
            raise
        finally:
            self.at_once -= 1
        return TranscriptionUnavailable(f"ear {rank}") if text is FAILS else Transcript(text)

    def race(self, in_use: int = 0, skip: tuple[int, ...] = ()) -> tuple[int, str, float]:
        """Return who won, the words and when. Raises TranscriptionUnavailable."""

        def others() -> Iterator[int]:
            yield from (rank for rank in range(len(self.plans)) if rank != in_use and rank not in skip)

        async def main() -> tuple[int, str, float]:
            winner, heard = await first_with_words(in_use, others(), self.ask, lambda _: HEDGE_S)
            return winner, heard.text, round(asyncio.get_running_loop().time(), 6)

        return run_virtual(main())


def test_one_that_answers_in_time_is_the_only_one_asked() -> None:
    ears = Ears([(0.3, "yes"), (0.1, "no")])
    assert ears.race() == (0, "yes", 0.3)
    assert [rank for rank, _ in ears.asked] == [0]


def test_one_that_hangs_gets_a_rival_and_is_left() -> None:
    ears = Ears([(30.0, "yes"), (0.2, "yes")])
    assert ears.race() == (1, "yes", 0.6)
    assert ears.cancelled == [0]


def test_one_that_fails_is_followed_at_once() -> None:
    ears = Ears([(0.1, FAILS), (0.2, "yes")])
    assert ears.race() == (1, "yes", 0.3)


def test_the_one_in_use_may_still_be_the_faster() -> None:
    ears = Ears([(0.5, "yes"), (0.3, "no")])
    assert ears.race() == (0, "yes", 0.5)
    assert ears.cancelled == [1]


def test_a_rival_without_words_waits_for_the_one_in_use() -> None:
    ears = Ears([(1.0, "yes"), (0.1, "")])
    assert ears.race() == (0, "yes", 1.0)


def test_a_rival_without_words_is_believed_when_nobody_else_is_left() -> None:
    ears = Ears([(1.0, FAILS), (0.1, "")])
    assert ears.race() == (1, "", 1.0)


def test_the_one_in_use_is_believed_when_it_has_no_words() -> None:
    ears = Ears([(0.6, ""), (2.0, "yes")])
    assert ears.race() == (0, "", 0.6)


def test_whoever_may_not_be_asked_is_not() -> None:
    ears = Ears([(0.1, FAILS), (0.1, "no"), (0.1, "yes")])
    assert ears.race(skip=(1,))[:2] == (2, "yes")


def test_with_all_gone_the_first_failure_is_told() -> None:
    ears = Ears([(0.1, FAILS), (0.1, FAILS)])
    with pytest.raises(TranscriptionUnavailable, match="ear 0"):
        ears.race()


def test_cancelled_it_leaves_nobody_running() -> None:
    ears = Ears([(30.0, "yes"), (30.0, "yes")])

    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0):
                await first_with_words(0, iter([1]), ears.ask, lambda _: HEDGE_S)

    run_virtual(main())
    assert sorted(ears.cancelled) == [0, 1]


PLANS = st.lists(
    st.tuples(
        st.sampled_from((0.05, 0.39, 0.41, 1.0, 2.0)),
        st.one_of(st.none(), st.just(""), st.just("yes")),
    ),
    min_size=1,
    max_size=4,
)


@given(PLANS, st.integers(0, 3))
def test_words_win_whenever_anybody_has_them(plans: list[tuple[float, str | None]], in_use: int) -> None:
    """Never more than two are asked at once, none twice, and a failure is told only when all have failed."""
    ears = Ears(plans)
    in_use %= len(plans)
    failed = False
    try:
        winner, text, at_s = ears.race(in_use)
    except TranscriptionUnavailable:
        failed, at_s = True, math.inf
        assert all(text is FAILS for _, text in plans)
    else:
        assert text == plans[winner][1]
        if not text and winner != in_use:
            assert not any(said for _, said in plans)
    ranks = [rank for rank, _ in ears.asked]
    assert len(ranks) == len(set(ranks))
    assert ears.most <= RIVALS_MAX
    assert ears.at_once == 0
    if failed:
        assert sorted(ranks) == list(range(len(plans)))
    # One who hangs keeps nobody waiting who has words: behind the hedge they are asked, and believed.
    if (
        len(plans) > 1
        and plans[in_use][1] is FAILS
        and plans[(in_use + 1) % len(plans)][1] == "yes"
        and len(plans) == 2
    ):
        assert at_s <= min(plans[in_use][0], HEDGE_S) + plans[1 - in_use][0] + 0.001
