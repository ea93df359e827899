"""When a turn is over: the table, and one call's state under any story."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.turns.ending import (
    LONGEST_MS,
    SILENCE_MS,
    Ending,
    Evidence,
    Phase,
    Sound,
    silence_only_ms,
    sound_of,
    wait_ms,
)
from agent.turns.wording import Words

PROBABILITIES = st.none() | st.floats(0, 1)
EVIDENCE = st.builds(Evidence, st.sampled_from(Words), PROBABILITIES, st.booleans(), st.integers(0, 5_000))


@given(EVIDENCE, st.floats(0, 1), st.floats(0, 1))
def test_the_more_finished_it_sounds_the_shorter_the_wait(known: Evidence, one: float, other: float) -> None:
    less, more = sorted((one, other))
    waits = [wait_ms(Evidence(known.words, probability, known.engine_ended)) for probability in (more, less)]
    assert waits == sorted(waits)


@pytest.mark.parametrize("probability", [None, 0.0, 0.2, 0.5, 0.8, 1.0])
def test_the_less_finished_the_words_the_longer_the_wait(probability: float | None) -> None:
    waits = [wait_ms(Evidence(words, probability)) for words in Words]
    assert waits == sorted(waits)


@given(EVIDENCE)
def test_no_wait_is_longer_than_the_longest(known: Evidence) -> None:
    assert 0 <= wait_ms(known) <= LONGEST_MS
    assert silence_only_ms(known) == SILENCE_MS


def test_without_any_witness_silence_decides_as_it_always_has() -> None:
    assert wait_ms(Evidence()) == SILENCE_MS


def test_a_confident_end_is_answered_at_once_and_a_hesitation_is_not_cut() -> None:
    assert wait_ms(Evidence(Words.FINISHED, 0.95)) <= 200
    assert wait_ms(Evidence(Words.PLAIN, 0.95)) < SILENCE_MS
    assert min(wait_ms(Evidence(Words.HESITATING, p)) for p in (None, 0.0, 0.5, 1.0)) >= 1_000
    assert min(wait_ms(Evidence(Words.DICTATING, p)) for p in (None, 0.0, 0.5, 1.0)) >= 800


@pytest.mark.parametrize("words", [Words.OPEN, Words.DICTATING, Words.HESITATING])
def test_who_paused_long_inside_a_sentence_is_waited_for_longer(words: Words) -> None:
    assert wait_ms(Evidence(words, habit_ms=1_200)) >= 1_200 + 150
    assert wait_ms(Evidence(words, habit_ms=100)) == wait_ms(Evidence(words))
    assert wait_ms(Evidence(words, None, engine_ended=True, habit_ms=1_200)) == wait_ms(
        Evidence(words, None, engine_ended=True)
    )


@pytest.mark.parametrize("words", [Words.FINISHED, Words.NONE, Words.PLAIN])
def test_a_habit_makes_nobody_wait_whose_words_are_no_beginning(words: Words) -> None:
    assert wait_ms(Evidence(words, habit_ms=1_500)) == wait_ms(Evidence(words))


def test_a_pause_that_was_no_end_is_remembered_for_the_call() -> None:
    ending = Ending()
    ending.started(1_000)
    ending.understood(Words.OPEN)
    ending.paused(2_000)
    ending.resumed(2_850)
    ending.paused(3_000)
    assert ending.due_ms == 3_000 + round(850 * 1.5)
    ending.ended()
    ending.started(9_000)
    ending.understood(Words.HESITATING)
    ending.paused(9_500)
    assert ending.due_ms == 9_500 + wait_ms(Evidence(Words.HESITATING, habit_ms=850))


@pytest.mark.parametrize(
    ("words", "gap_ms", "learnt_ms"),
    [(Words.OPEN, 1_100, 1_100), (Words.OPEN, 2_500, 0), (Words.FINISHED, 1_100, 0)],
)
def test_who_was_cut_off_is_given_more_time_the_next_time(words: Words, gap_ms: int, learnt_ms: int) -> None:
    ending = Ending()
    ending.started(1_000)
    ending.understood(words)
    ending.paused(2_000)
    assert ending.ended()
    ending.started(2_000 + gap_ms)
    assert ending.evidence.habit_ms == learnt_ms


def test_an_engine_that_finds_the_end_is_believed_unless_the_words_are_unfinished() -> None:
    assert wait_ms(Evidence(Words.PLAIN, 0.1, engine_ended=True)) == 0
    assert wait_ms(Evidence(Words.HESITATING, None, engine_ended=True)) >= 1_000


@pytest.mark.parametrize(
    ("probability", "sound"),
    [
        (None, Sound.UNKNOWN),
        (1.0, Sound.FINISHED),
        (0.8, Sound.FINISHED),
        (0.5, Sound.LIKELY),
        (0.2, Sound.UNLIKELY),
        (0.0, Sound.UNFINISHED),
    ],
)
def test_probabilities_and_their_names(probability: float | None, sound: Sound) -> None:
    assert sound_of(probability) is sound


SIGNALS = ("started", "paused", "resumed", "understood", "judged", "engine_ended", "ended")


def tell(ending: Ending, signal: str, at_ms: int) -> bool:
    match signal:
        case "started" | "paused" | "resumed":
            getattr(ending, signal)(at_ms)
        case "understood":
            ending.understood(Words.PLAIN)
        case "judged":
            ending.judged(0.9)
        case "ended":
            return ending.ended()
        case _:
            getattr(ending, signal)()
    return False


AFTER = {
    (Phase.SILENT, "started"): Phase.SPEAKING,
    (Phase.SPEAKING, "paused"): Phase.PAUSED,
    (Phase.PAUSED, "resumed"): Phase.SPEAKING,
    (Phase.SPEAKING, "ended"): Phase.SILENT,
    (Phase.PAUSED, "ended"): Phase.SILENT,
}


@pytest.mark.parametrize(("phase", "signal"), list(itertools.product(Phase, SIGNALS)))
def test_every_phase_and_signal(phase: Phase, signal: str) -> None:
    ending = Ending()
    for step in {Phase.SILENT: (), Phase.SPEAKING: ("started",), Phase.PAUSED: ("started", "paused")}[phase]:
        tell(ending, step, 100)
    assert ending.phase is phase
    tell(ending, signal, 200)
    assert ending.phase is AFTER.get((phase, signal), phase)


@given(st.lists(st.tuples(st.sampled_from(SIGNALS), st.integers(1, 500)), max_size=80))
def test_one_end_for_each_beginning_whatever_comes(story: list[tuple[str, int]]) -> None:
    ending, now_ms, begun, ended = Ending(), 0, 0, 0
    for signal, later_ms in story:
        now_ms += later_ms
        silent = ending.phase is Phase.SILENT
        over = tell(ending, signal, now_ms)
        begun += silent and ending.phase is Phase.SPEAKING
        ended += over
        assert begun - ended == (ending.phase is not Phase.SILENT)
        assert (ending.due_ms is not None) == (ending.phase is Phase.PAUSED)


@given(st.lists(st.sampled_from(("understood", "judged", "engine_ended")), max_size=6))
def test_a_new_pause_is_judged_anew(told: list[str]) -> None:
    ending = Ending()
    for step in ("started", "paused", *told, "resumed"):
        tell(ending, step, 1_000)
    assert ending.evidence.probability is None
    assert not ending.evidence.engine_ended


@pytest.mark.parametrize(("probability", "probable"), [(None, True), (0.1, False), (0.9, True)])
def test_a_pause_is_probably_the_end_while_little_silence_is_missing(probability: float | None, probable: bool) -> None:
    ending = Ending()
    ending.started(0)
    assert not ending.probable
    ending.paused(1_000)
    assert ending.due_ms == 1_000 + SILENCE_MS
    ending.judged(probability)
    assert ending.probable is probable
