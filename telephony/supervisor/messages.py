"""What followers of live calls are told, as MessagePack maps with the member `say`. Sans-I/O.

Each is packed once, whoever and however many get it. A live message holds an event of the call as it is: the same
members under the same names as in the CRM's API, with `kind` for the event's.
"""

from typing import Any, Final

import msgspec

from events import call as events

# Of no use to who follows a call: money, tokens, keys of the store.
_LEFT_OUT: Final = (
    events.CarrierAccepted,
    events.Metered,
    events.ModelUsed,
    events.SpeechFed,
    events.KeyRefused,
    events.RecordingStored,
)
_UNHEARD: Final = frozenset({"listener", "whisperer"})
_ENCODER: Final = msgspec.msgpack.Encoder()


class Sound(msgspec.Struct, frozen=True, tag_field="say", tag="sound"):
    """A stretch of both sides, as the line carries it: µ-law, 8 kHz, a byte a sample; empty is silence."""

    n: int  # rises by one a stretch; a hole is one that was shed or lost
    prospect: bytes
    ours: bytes  # all that the prospect hears: the agent, people, music


class Levels(msgspec.Struct, frozen=True, tag_field="say", tag="live"):
    """How loud both sides are, 0 to 1 (RMS). Not kept for who comes later."""

    prospect: float
    ours: float
    seq: int = 0
    kind: str = "levels"


class Gap(msgspec.Struct, frozen=True, tag_field="say", tag="live"):
    """What was asked for from `seq` on is not kept any more: what follows begins behind a gap."""

    seq: int
    kind: str = "gap"


def pack(message: Sound | Levels | Gap) -> bytes:
    return _ENCODER.encode(message)


def is_followed(body: events.Body) -> bool:
    return not isinstance(body, _LEFT_OUT)


def is_secret(body: events.Body) -> bool:
    """Tell whether it says that somebody listens whom nobody hears: not every organisation lets its reps know."""
    if isinstance(body, events.PersonJoined | events.RoleChanged):
        return body.role in _UNHEARD
    return isinstance(body, events.AgentInstructed)


def live(event: events.Event) -> bytes:
    """Return the message for who follows the event's call."""
    return _ENCODER.encode({"say": "live"} | _members(event))


def of_organisation(event: events.Event) -> bytes:
    """Return what stands in the organisation's stream; `org_message` makes the message of it."""
    return _ENCODER.encode({"call": event.call_id} | _members(event))


def org_message(entry_id: str, packed: bytes) -> bytes:
    """Raises msgspec.MsgspecError: `packed` is not `of_organisation`'s."""
    return _ENCODER.encode({"say": "org", "id": entry_id} | msgspec.msgpack.decode(packed, type=dict[str, Any]))


def _members(event: events.Event) -> dict[str, Any]:
    body: dict[str, Any] = msgspec.to_builtins(event.body)
    body.pop("type", None)
    return {"seq": event.seq, "kind": events.kind_of(event.body), "at": event.at.isoformat()} | body
