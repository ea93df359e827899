"""Every state against every event: what moves, and what is absorbed."""

import pytest

from events.call import TERMINAL, State
from telephony.call.lifecycle import GUARD_S, Lifecycle

EVENTS = ("place", "ring", "answer", "speak", "listen", "wind_up", "finish", "fail")
WAY_TO: dict[State, tuple[str, ...]] = {
    State.IDLE: (),
    State.DIALING: ("place",),
    State.RINGING: ("place", "ring"),
    State.LISTENING: ("place", "answer"),
    State.SPEAKING: ("place", "ring", "answer", "speak"),
    State.ENDING: ("place", "answer", "wind_up"),
    State.ENDED: ("place", "answer", "wind_up", "finish"),
    State.FAILED: ("place", "fail"),
}
MOVES: dict[tuple[State, str], State] = {
    (State.IDLE, "place"): State.DIALING,
    (State.IDLE, "fail"): State.FAILED,
    (State.DIALING, "ring"): State.RINGING,
    (State.DIALING, "answer"): State.LISTENING,
    (State.DIALING, "fail"): State.FAILED,
    (State.RINGING, "answer"): State.LISTENING,
    (State.RINGING, "fail"): State.FAILED,
    (State.LISTENING, "speak"): State.SPEAKING,
    (State.LISTENING, "wind_up"): State.ENDING,
    (State.LISTENING, "finish"): State.ENDED,
    (State.SPEAKING, "listen"): State.LISTENING,
    (State.SPEAKING, "wind_up"): State.ENDING,
    (State.SPEAKING, "finish"): State.ENDED,
    (State.ENDING, "finish"): State.ENDED,
}


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("event", EVENTS)
def test_every_state_and_event(state: State, event: str) -> None:
    machine = Lifecycle()
    for step in WAY_TO[state]:
        assert machine.tell(step)
    assert machine.state is state
    expected = MOVES.get((state, event))
    assert machine.tell(event) is (expected is not None)
    assert machine.state is (expected or state)


def test_every_state_that_waits_for_the_carrier_has_a_guard() -> None:
    waiting = {State.DIALING, State.RINGING, State.ENDING}
    assert set(GUARD_S) == waiting
    assert not TERMINAL & waiting
