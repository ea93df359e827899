"""What the calls' events add up to."""

from dataclasses import dataclass, field
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events import call as events
from events.call import AnsweredBy, Outcome, State
from media.room import Room
from telephony.figures import STAGES, Counts, Figures


@dataclass
class FakeRoom:
    frames: int = 50
    gaps: int = 1
    underruns: int = 2
    dry: int = 3
    dropped: int = 4


@dataclass
class Call:
    fake: FakeRoom = field(default_factory=FakeRoom)
    late_samples: int = 5
    dropped_signals: int = 6

    @property
    def room(self) -> Room:
        return cast(Room, self.fake)


def test_the_counts_of_calls_add_up() -> None:
    counts = Counts()
    counts.add(Call())
    counts.add(Call())
    assert counts == Counts(100, 2, 4, 6, 8, 10, 12)


def test_an_answer_is_timed_by_stage_and_as_a_whole() -> None:
    figures = Figures()
    figures.note(events.TurnTimed(1, 400, 420, 450, 460, 500, 510, 560))
    figures.note(events.TurnTimed(2, 400, sent_ms=300))
    figures.note(events.TurnTimed(3))
    assert figures.response_s.sum == pytest.approx(0.86)
    assert figures.response_s.count == 2
    assert {stage: figures.stage_s[stage].count for stage in STAGES} == {
        "vad": 2,
        "end_of_turn": 1,
        "transcript": 1,
        "first_token": 1,
        "first_audio": 1,
        "sent": 2,
        "played": 1,
    }


def test_ends_are_counted_by_outcome_and_only_answered_calls_have_a_duration() -> None:
    figures = Figures()
    figures.note(events.Answered())
    figures.note(events.Finished(State.ENDED, Outcome.GOAL_REACHED, AnsweredBy.HUMAN, 61.2, 62))
    figures.note(events.Finished(State.FAILED, Outcome.LINE_BUSY))
    figures.note(events.BargedIn(1, 5_000, 180))
    figures.note(events.Closed())
    assert figures.outcomes == {"goal_reached": 1, "line_busy": 1}
    assert (figures.answered, figures.billable_s) == (1, 62)
    assert (figures.duration_s.count, figures.duration_s.sum) == (1, 61.2)
    assert (figures.barge_in_s.count, figures.barge_in_s.sum) == (1, 0.18)


@given(st.lists(st.sampled_from(Outcome)))
def test_no_end_is_lost(outcomes: list[Outcome]) -> None:
    figures = Figures()
    for outcome in outcomes:
        figures.note(events.Finished(State.ENDED, outcome))
    assert sum(figures.outcomes.values()) == len(outcomes)


def test_requests_to_models_are_counted_by_what_became_of_them() -> None:
    figures = Figures()
    figures.note(events.ModelUsed("a", "spoken", "", 100, 20, cost_milli=3, first_token_ms=400))
    figures.note(events.ModelUsed("a", "thrown_away", "", 90, 2))
    figures.note(events.ModelUsed("b", "failed", "unavailable"))
    assert figures.model_requests == {("a", "spoken"): 1, ("a", "thrown_away"): 1, ("b", "failed"): 1}
    assert figures.model_tokens == {("a", "spoken"): 120, ("a", "thrown_away"): 92, ("b", "failed"): 0}
    assert +figures.model_cost_milli == {("a", "spoken"): 3}
    assert figures.model_failures == {("b", "unavailable"): 1}
    assert (figures.first_token_s.count, figures.first_token_s.sum) == (1, 0.4)
