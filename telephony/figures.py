"""What the calls of a process have shown so far: plain counters, added to when something happens. Sans-I/O.

Nothing here is per frame. A live call's own counters are read from it when somebody asks (telephony/metrics.py), and
are added to `over` when it ends.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final, Protocol

from events import call as events
from media.measures import Histogram
from media.room import Room
from telephony.people.figures import PeopleFigures

# Seconds. Around what people notice: below 0.3 an answer comes at once, above 1.5 one asks whether anybody is there.
RESPONSE_BOUNDS_S: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0)
BARGE_IN_BOUNDS_S: Final = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.6, 1.0, 2.0)
DURATION_BOUNDS_S: Final = (3, 10, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600)
STAGES: Final = ("vad", "end_of_turn", "transcript", "first_token", "first_audio", "sent", "played")


class CountedCall(Protocol):
    """What of a call is counted."""

    @property
    def room(self) -> Room: ...

    @property
    def late_samples(self) -> int: ...

    @property
    def dropped_signals(self) -> int: ...


@dataclass(slots=True)
class Counts:
    """Of one call, or of many."""

    frames: int = 0  # from the carrier
    gaps: int = 0  # in them, by the carrier's stamps
    underruns: int = 0  # the agent fell silent in mid-reply, and we were late
    dry: int = 0  # the same, whoever was late
    dropped_messages: int = 0  # to the carrier, which did not take them
    late_samples: int = 0  # came after their place in the recording had been written
    dropped_signals: int = 0

    def add(self, call: CountedCall) -> None:
        room = call.room
        self.frames += room.frames
        self.gaps += room.gaps
        self.underruns += room.underruns
        self.dry += room.dry
        self.dropped_messages += room.dropped
        self.late_samples += call.late_samples
        self.dropped_signals += call.dropped_signals


def _response() -> Histogram:
    return Histogram(RESPONSE_BOUNDS_S)


@dataclass(slots=True)
class Figures:
    """All that happened in this process."""

    over: Counts = field(default_factory=Counts)  # of calls that have ended
    people: PeopleFigures = field(default_factory=PeopleFigures)
    response_s: Histogram = field(default_factory=_response)
    barge_in_s: Histogram = field(default_factory=lambda: Histogram(BARGE_IN_BOUNDS_S))
    stage_s: dict[str, Histogram] = field(default_factory=lambda: {stage: _response() for stage in STAGES})
    duration_s: Histogram = field(default_factory=lambda: Histogram(DURATION_BOUNDS_S))
    outcomes: Counter[str] = field(default_factory=Counter)
    model_requests: Counter[tuple[str, str]] = field(default_factory=Counter)  # provider, fate
    model_failures: Counter[tuple[str, str]] = field(default_factory=Counter)  # provider, why
    model_tokens: Counter[tuple[str, str]] = field(default_factory=Counter)  # provider, fate
    model_cost_milli: Counter[tuple[str, str]] = field(default_factory=Counter)  # provider, fate
    first_token_s: Histogram = field(default_factory=_response)
    answered: int = 0
    billable_s: int = 0

    def note(self, body: events.Body) -> None:
        """Take an event of a call."""
        match body:
            case events.TurnTimed():
                self._note_answer(body)
            case events.BargedIn(stopped_after_ms=stopped_after_ms):
                self.barge_in_s.add(stopped_after_ms / 1_000)
            case events.Answered():
                self.answered += 1
            case events.Finished(
                outcome=outcome, duration_s=duration_s, billable_s=billable_s, answered_by=answered_by
            ):
                self.outcomes[outcome.value] += 1
                self.billable_s += billable_s
                if answered_by is not None:
                    self.duration_s.add(duration_s)
            case events.ModelUsed():
                self._note_model(body)
            case _:
                pass

    def _note_model(self, used: events.ModelUsed) -> None:
        key = (used.provider, used.fate)
        self.model_requests[key] += 1
        self.model_tokens[key] += used.prompt_tokens + used.completion_tokens
        self.model_cost_milli[key] += used.cost_milli or 0
        if used.failure:
            self.model_failures[used.provider, used.failure] += 1
        if used.first_token_ms is not None:
            self.first_token_s.add(used.first_token_ms / 1_000)

    def _note_answer(self, timed: events.TurnTimed) -> None:
        for stage, histogram in self.stage_s.items():
            after_ms: int | None = getattr(timed, f"{stage}_ms")
            if after_ms is not None:
                histogram.add(after_ms / 1_000)
        heard_ms = timed.sent_ms if timed.played_ms is None else timed.played_ms
        if heard_ms is not None:
            self.response_s.add(heard_ms / 1_000)
