"""What a person can ask for is a table of verbs; this is what a verb is, and how a message finds its own.

A verb gets the message's fields and the place that the person is at, and returns the call's word, or raises NotDone.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from telephony.call.person_acts import Done
from telephony.people import messages
from telephony.people.presence import NotDone, Presence
from telephony.softphone.leg import SoftphoneLeg


@dataclass(frozen=True, slots=True)
class Said:
    """What a command is answered with, beside the call's state."""

    word: str = ""
    data: dict[str, Any] = field(default_factory=dict)


def said(done: Done) -> Said:
    return Said(done.word.value)


class Place(Protocol):
    """A person's page, as verbs see it."""

    @property
    def presence(self) -> Presence: ...

    def connect(self, sdp: str) -> SoftphoneLeg:
        """Begin a peer connection and return its leg. Raises NotDone."""

    def leave(self) -> None: ...

    def tell(self, message: msgspec.Struct) -> None:
        """Send that to this page; all of these arrive, or the page ends. With a `say`, as messages.Told have."""

    def feed(self, frame: bytes) -> None:
        """Send a message (already written) that a later one makes up for: of a slow page's, the oldest go."""

    def at_end(self, work: Callable[[], None]) -> None:
        """Have that done when this page is gone, for whatever reason."""


@dataclass(frozen=True, slots=True)
class Verb:
    """`body`: the message's fields; `obey` gets one of it."""

    body: type[msgspec.Struct]
    obey: Callable[[Place, Any], Awaitable[Said]]


def merged(*tables: Mapping[str, Verb]) -> Mapping[str, Verb]:
    """Return all of them as one. Raises ValueError: a name stands in two."""
    names = [name for table in tables for name in table]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"verbs that stand twice: {', '.join(twice)}")
    return {name: verb for table in tables for name, verb in table.items()}


async def obey(verbs: Mapping[str, Verb], place: Place, asked: messages.Asked, raw: bytes) -> messages.Told:
    """Carry one message out and return its answer."""
    verb = verbs.get(asked.do)
    if verb is None:
        return messages.Refused(asked.id, "unknown_command", f"There is no such command here; use {_list(verbs)}.")
    try:
        answer = await verb.obey(place, messages.read_body(raw, verb.body))
    except messages.BadMessage as error:
        return messages.Refused(asked.id, "bad_message", str(error))
    except NotDone as error:
        return messages.Refused(asked.id, error.code, error.sentence)
    return messages.Ok(asked.id, place.presence.call.state.value, answer.word, answer.data)


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
