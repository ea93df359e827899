"""The share of answers that another model than the first one gave."""

from hypothesis import given
from hypothesis import strategies as st

from agent.llm.fallback_share import ANSWERS, ANSWERS_MIN, SHARE_MAX, FallbackShare
from agent.llm.port import Usage
from agent.llm.usage import Fate, ModelCall


def call(rank: int, fate: Fate = Fate.SPOKEN) -> ModelCall:
    return ModelCall("p", fate, None, Usage(1, 1), False, None, 100, 200, rank)


def test_it_is_told_once_when_it_becomes_too_high_and_again_after_it_was_not() -> None:
    share = FallbackShare()
    told = [share.note(call(0)) for _ in range(90)] + [share.note(call(1)) for _ in range(20)]
    assert told.count(True) == 1
    assert told.index(True) == 100, "the eleventh of a hundred and one"
    assert not any(share.note(call(0)) for _ in range(ANSWERS))
    assert share.share == 0
    assert any(share.note(call(1)) for _ in range(ANSWERS))


def test_too_few_answers_say_nothing() -> None:
    share = FallbackShare()
    assert not any(share.note(call(2)) for _ in range(ANSWERS_MIN - 1))
    assert share.share == 0
    assert share.note(call(2))


def test_only_what_was_spoken_counts() -> None:
    share = FallbackShare()
    for fate in Fate:
        if fate is not Fate.SPOKEN:
            assert not any(share.note(call(1, fate)) for _ in range(50))
    assert share.share == 0


@given(st.lists(st.integers(0, 2), max_size=500))
def test_it_is_the_share_of_the_last_ones(ranks: list[int]) -> None:
    share = FallbackShare()
    for rank in ranks:
        share.note(call(rank))
    last = ranks[-ANSWERS:]
    expected = sum(rank > 0 for rank in last) / len(last) if len(last) >= ANSWERS_MIN else 0
    assert share.share == expected
    assert share._high is (expected > SHARE_MAX)
