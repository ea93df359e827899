"""The call's lifecycle: the only truth that screens show (S33). Topology by python-statemachine; no timers here.

Carrier callbacks come late, twice and out of order, so terminal states absorb: `tell` answers False for an event
that cannot happen now, and changes nothing.
"""

from typing import Final

from statemachine import State as Node
from statemachine import StateMachine
from statemachine.exceptions import TransitionNotAllowed

from events.call import Outcome, State

# How long a call may wait in a state without an event; on expiry the carrier is asked, then the call fails or ends
# and the carrier's leg is hung up. RINGING counts from the end of the ring's own time-out (which may be 5 s late).
GUARD_S: Final[dict[State, float]] = {State.DIALING: 60.0, State.RINGING: 10.0, State.ENDING: 10.0}
UNANSWERED: Final = (State.IDLE, State.DIALING, State.RINGING)  # a call that ends in these has failed
FAILED_BY_STATUS: Final = {  # what the carrier's last word of an unanswered call comes to
    "busy": Outcome.LINE_BUSY,
    "no-answer": Outcome.NO_ANSWER,
    "failed": Outcome.REFUSED,
    "canceled": Outcome.NO_ANSWER,
}


def unanswered(status: str, *, inbound: bool) -> Outcome:
    """Return what the carrier's last word comes to of a call that nobody talked in; `inbound`: they rang us."""
    return Outcome.HUNG_UP if inbound else FAILED_BY_STATUS[status]


class Lifecycle(StateMachine):
    """One call's state."""

    idle = Node(State.IDLE, value=State.IDLE, initial=True)
    dialing = Node(State.DIALING, value=State.DIALING)
    ringing = Node(State.RINGING, value=State.RINGING)
    listening = Node(State.LISTENING, value=State.LISTENING)
    speaking = Node(State.SPEAKING, value=State.SPEAKING)
    ending = Node(State.ENDING, value=State.ENDING)
    ended = Node(State.ENDED, value=State.ENDED, final=True)
    failed = Node(State.FAILED, value=State.FAILED, final=True)

    place = idle.to(dialing)
    come_in = idle.to(ringing)  # they rang us
    ring = dialing.to(ringing)
    answer = dialing.to(listening) | ringing.to(listening)
    speak = listening.to(speaking)
    listen = speaking.to(listening)
    wind_up = listening.to(ending) | speaking.to(ending)
    finish = ending.to(ended) | listening.to(ended) | speaking.to(ended)
    fail = idle.to(failed) | dialing.to(failed) | ringing.to(failed)

    @property
    def state(self) -> State:
        return State(self.current_state_value)

    def tell(self, event: str) -> bool:
        """Move by an event's name; False when it cannot happen in this state."""
        try:
            self.send(event)
        except TransitionNotAllowed:
            return False
        return True
