"""The live state of a node's calls: each call's events for who follows it, from any number on, and its sound's tap.

A call's newest events are kept while it lives, so that who comes later, or again, gets what they have missed. What
happens is handed to the organisation's stream as well (organisations.py), which reaches people of other nodes.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol
from uuid import UUID

from events.call import Closed, Event
from telephony.supervisor.messages import Gap, is_followed, is_secret, live, of_organisation, pack

KEPT_MAX: Final = 2_000  # events of one call; of a longer one the oldest are in the CRM


class Stream(Protocol):
    """What of the organisations' streams (organisations.py) is needed."""

    def publish(self, org_id: UUID, packed: bytes) -> None:
        """Take what goes into an organisation's stream; never waits."""

    def follow(self, name: str, org_id: UUID, after: str, tell: Callable[[bytes], None]) -> None:
        """Tell somebody what stands there behind `after`, and what comes. Raises BadPlace."""

    def unfollow(self, name: str) -> None: ...


@dataclass(slots=True)
class _Follower:
    tell: Callable[[bytes], None]
    sees_all: bool


@dataclass(slots=True)
class _LiveCall:
    org_id: UUID
    kept: deque[Event] = field(default_factory=lambda: deque(maxlen=KEPT_MAX))
    dropped_to: int = 0  # the newest number that is not kept any more
    followers: dict[str, _Follower] = field(default_factory=dict)


class Live:
    """One process's. Plain calls on the loop; nothing here waits."""

    def __init__(self, stream: Stream | None = None, *, shows_listeners: bool = True) -> None:
        """`stream`: None while no organisation's is written; `shows_listeners`: reps may know who listens."""
        self.shows_listeners = shows_listeners
        self.stream = stream
        self._calls: dict[UUID, _LiveCall] = {}

    def note(self, event: Event) -> None:
        """Take what a call tells, as it is told."""
        if not is_followed(event.body):
            return
        call = self._calls.setdefault(event.call_id, _LiveCall(event.org_id))
        if len(call.kept) == KEPT_MAX:
            call.dropped_to = call.kept[0].seq
        call.kept.append(event)
        if call.followers:
            message, secret = live(event), is_secret(event.body)
            # A follower whose queue is full leaves by that.
            for follower in tuple(call.followers.values()):
                if follower.sees_all or not secret:
                    follower.tell(message)
        if self.stream is not None and not is_secret(event.body):
            self.stream.publish(event.org_id, of_organisation(event))
        if isinstance(event.body, Closed):
            del self._calls[event.call_id]

    def follow(
        self, call_id: UUID, name: str, tell: Callable[[bytes], None], after: int = 0, *, sees_all: bool = True
    ) -> bool:
        """Tell somebody what happened in a call behind number `after`, and what happens; False when it is not live.

        `tell` gets whole messages in their order; `sees_all`: also who listens unheard, and what is whispered.
        """
        call = self._calls.get(call_id)
        if call is None:
            return False
        if after < call.dropped_to:
            tell(pack(Gap(call.dropped_to)))
        for event in call.kept:
            if event.seq > after and (sees_all or not is_secret(event.body)):
                tell(live(event))
        call.followers[name] = _Follower(tell, sees_all)
        return True

    def unfollow(self, call_id: UUID, name: str) -> None:
        call = self._calls.get(call_id)
        if call is not None:
            call.followers.pop(name, None)
