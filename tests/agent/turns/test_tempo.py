"""How slowly a caller speaks: what teaches it, how far it goes, and how it is forgotten."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.turns.ending import CUT_OFF_MS, LONGEST_MS, Ending, Evidence, wait_ms
from agent.turns.tempo import BOUND_MS, LESSON_MAX_MS, PAUSE_MIN_MS, Tempo
from agent.turns.wording import Words

PAUSES = st.integers(0, 5_000)
STEPS = st.lists(st.tuples(st.sampled_from(("begun", "went_on", "cut_into", "over")), PAUSES), max_size=60)
WHOLE = (Words.FINISHED, Words.NONE, Words.PLAIN)


def told(steps: list[tuple[str, int]], tempo: Tempo | None = None) -> Tempo:
    tempo = tempo or Tempo()
    for step, pause_ms in steps:
        lesson: Callable[..., Tempo] = getattr(tempo, step)
        tempo = lesson(pause_ms) if step in ("went_on", "cut_into") else lesson()
    return tempo


@given(STEPS, st.integers(LESSON_MAX_MS + 1, 5_000))
def test_a_pause_that_no_answer_can_bear_to_wait_for_teaches_nothing(
    steps: list[tuple[str, int]], pause_ms: int
) -> None:
    tempo = told(steps)
    assert tempo.cut_into(pause_ms) == tempo


@given(STEPS)
def test_no_story_takes_it_out_of_its_bounds(steps: list[tuple[str, int]]) -> None:
    assert 0 <= told(steps).whole_ms <= BOUND_MS < LONGEST_MS


@given(
    st.builds(Evidence, st.sampled_from(Words), st.none() | st.floats(0, 1), st.booleans(), PAUSES),
    st.integers(0, BOUND_MS),
    st.integers(0, BOUND_MS),
)
def test_no_tempo_shortens_a_wait_and_a_slower_one_never_does(known: Evidence, one: int, other: int) -> None:
    waits = [
        wait_ms(Evidence(known.words, known.probability, known.engine_ended, known.habit_ms, whole_ms))
        for whole_ms in (0, *sorted((one, other)))
    ]
    assert waits == sorted(waits)
    assert waits[-1] <= LONGEST_MS


@given(STEPS, PAUSES)
def test_being_cut_into_never_lowers_it_and_a_quiet_turn_never_raises_it(
    steps: list[tuple[str, int]], pause_ms: int
) -> None:
    tempo = told(steps)
    assert tempo.cut_into(pause_ms).granted_ms >= tempo.granted_ms
    assert tempo.begun().over().granted_ms <= tempo.granted_ms
    assert tempo.begun().over().begun().hinted_ms <= tempo.begun().hinted_ms


@given(STEPS, st.integers(0, LESSON_MAX_MS), st.integers(0, LESSON_MAX_MS))
def test_the_longer_the_pause_that_was_cut_the_longer_the_wait(
    steps: list[tuple[str, int]], one: int, other: int
) -> None:
    less, more = sorted((one, other))
    tempo = told(steps)
    assert tempo.cut_into(less).granted_ms <= tempo.cut_into(more).granted_ms


@given(STEPS)
def test_it_is_forgotten_in_the_end(steps: list[tuple[str, int]]) -> None:
    assert told([("begun", 0), ("over", 0)] * 20, told(steps)).begun().whole_ms == 0


@given(st.lists(st.integers(0, PAUSE_MIN_MS - 1), max_size=40))
def test_who_only_breathes_is_waited_for_no_longer(pauses: list[int]) -> None:
    tempo = told([(step, pause_ms) for pause_ms in pauses for step in ("begun", "went_on", "over")])
    assert tempo.begun().whole_ms == 0


def test_a_second_time_grants_more_and_three_quiet_turns_halve_it() -> None:
    once = Tempo().cut_into(600)
    assert once.granted_ms == 900
    assert once.cut_into(500).granted_ms == 1_000
    assert 440 <= told([("begun", 0), ("over", 0)] * 3, once).granted_ms <= 480
    assert once.over() == once, "the turn in which it happened is no quiet one"


def test_pauses_of_turns_that_are_over_are_a_hint_and_one_alone_is_chance() -> None:
    once = told([("begun", 0), ("went_on", 1_000), ("over", 0), ("begun", 0)])
    assert once.whole_ms == 0
    twice = once.went_on(800)
    assert twice.whole_ms == 0, "not in the turn itself"
    assert twice.over().begun().whole_ms == 600


def test_who_was_cut_into_once_is_believed_at_once() -> None:
    tempo = Tempo().cut_into(600)
    assert tempo.went_on(800).whole_ms == 1_040
    assert tempo.went_on(700).whole_ms == 1_000, "what can be waited for without a stock phrase"
    assert tempo.went_on(900).whole_ms == 1_170, "a pause of that length was made"
    assert tempo.went_on(3_000).whole_ms == BOUND_MS


def turn(ending: Ending, first_ms: int, last_ms: int, *, answered: bool = False, said: bool = True) -> int:
    """Take one turn with whole words; return how much silence it was due after."""
    ending.started(first_ms, answered=answered)
    ending.understood(Words.FINISHED)
    ending.paused(last_ms)
    assert ending.due_ms is not None
    due_ms = ending.due_ms - last_ms
    assert ending.ended(said=said)
    return due_ms


def test_a_second_cut_in_does_not_happen_and_fast_turns_bring_the_fast_answer_back() -> None:
    ending = Ending()
    usual_ms = turn(ending, 1_000, 1_500)
    assert turn(ending, 2_400, 3_000, answered=True) > 900
    later = [turn(ending, 10_000 * place, 10_000 * place + 500) for place in range(1, 18)]
    assert later == sorted(later, reverse=True)
    assert later[0] > 900
    assert later[-1] == usual_ms == wait_ms(Evidence(Words.FINISHED))


@pytest.mark.parametrize(
    ("gap_ms", "answered"), [(900, False), (CUT_OFF_MS, True)], ids=["nobody had answered", "another thought"]
)
def test_what_is_no_going_on_teaches_nothing(gap_ms: int, *, answered: bool) -> None:
    ending = Ending()
    usual_ms = turn(ending, 1_000, 1_500)
    assert turn(ending, 1_500 + gap_ms, 3_000, answered=answered) == usual_ms


def test_an_agent_that_greets_first_has_cut_into_nothing() -> None:
    assert turn(Ending(), 1_900, 2_500, answered=True) == wait_ms(Evidence(Words.FINISHED))


def test_a_cough_or_a_nod_over_the_answer_is_unlearnt() -> None:
    ending = Ending()
    usual_ms = turn(ending, 1_000, 1_500)
    turn(ending, 2_400, 2_700, answered=True, said=False)
    assert turn(ending, 10_000, 10_500) == usual_ms


@pytest.mark.parametrize("words", WHOLE)
def test_an_answer_is_thought_of_while_a_slow_speaker_is_waited_for(words: Words) -> None:
    ending = Ending()
    turn(ending, 1_000, 1_500)
    ending.started(2_400, answered=True)
    ending.understood(words)
    ending.paused(3_000)
    assert ending.due_ms is not None
    assert ending.due_ms - 3_000 > 900
    assert ending.probable
