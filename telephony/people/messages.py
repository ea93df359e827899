"""What a person's page and the node say to each other over their one socket, in MessagePack. Sans-I/O.

The page's messages name what is to be done (`do`) and have a number (`id`) that its answer repeats: `ok` with the
state machine's word, or `refused` with a code and a sentence. The rest is told as it happens. Described for pages in
docs/guides/people-on-calls.md; fields are only ever added.
"""

from typing import Any, Final, TypeVar

import msgspec

MESSAGE_BYTES_MAX: Final = 40_000  # an offer is the longest
ID_MAX: Final = (1 << 53) - 1  # what a page's numbers hold exactly


class Asked(msgspec.Struct, frozen=True):
    """What every message of a page has."""

    do: str
    id: int


class Come(msgspec.Struct, frozen=True):
    """The first message: a ticket of the CRM's."""

    ticket: str


class Return(msgspec.Struct, frozen=True):
    """The first message of a page that was in the call a moment ago: the newest `rejoin` that it was given."""

    rejoin: str


class Connect(msgspec.Struct, frozen=True):
    """A peer connection to talk and hear by; a further one takes the place of the one before."""

    sdp: str


class ChangeRole(msgspec.Struct, frozen=True):
    role: str  # media.party.Role: listener, rep, whisperer, barger


class Mute(msgspec.Struct, frozen=True):
    on: bool


class Hold(msgspec.Struct, frozen=True):
    on: bool


class Keys(msgspec.Struct, frozen=True):
    keys: str  # 0-9 * # A-D, w for half a second


class Transfer(msgspec.Struct, frozen=True):
    number: str  # whom the prospect is put through to


class Consult(msgspec.Struct, frozen=True):
    number: str  # whom one asks beside the prospect


class Arrange(msgspec.Struct, frozen=True):
    """Swap, conference, complete, cancel: with who was telephoned."""


class Leave(msgspec.Struct, frozen=True):
    pass


class Ping(msgspec.Struct, frozen=True):
    pass


class Ok(msgspec.Struct, frozen=True, tag_field="say", tag="ok"):
    id: int
    state: str  # the call's
    word: str = ""  # who has the word: agent, person, held
    data: dict[str, Any] = {}


class Refused(msgspec.Struct, frozen=True, tag_field="say", tag="refused"):
    id: int
    code: str
    sentence: str  # what is in the way, and what to do


class Welcome(msgspec.Struct, frozen=True, tag_field="say", tag="welcome"):
    """The answer to the first message."""

    id: int
    person: str  # oneself, as events and other people's pages name one
    name: str
    seat: str
    state: str
    rejoin: str  # good once, while the call waits for one
    ice_servers: tuple[dict[str, Any], ...]  # for RTCPeerConnection
    relay_only: bool
    ping_every_s: int
    word: str = ""  # who has the word; empty for who is back without sound: told with "connected"
    connected: bool = False  # the peer connection of before stands: it need not be made anew


class Trouble(msgspec.Struct, frozen=True, tag_field="say", tag="trouble"):
    """Something about one's connection does not work, or does again (`on` false)."""

    code: str
    on: bool
    sentence: str = ""


class Connected(msgspec.Struct, frozen=True, tag_field="say", tag="connected"):
    """The peer connection stands, and one is in the call by it."""

    state: str
    word: str


class Ending(msgspec.Struct, frozen=True, tag_field="say", tag="ending"):
    """The call ends in so many seconds, whoever talks; an empty reason: not so soon any more."""

    reason: str  # credits, time_limit, node_stops
    in_s: float
    sentence: str


class Over(msgspec.Struct, frozen=True, tag_field="say", tag="over"):
    """The last message: the socket closes."""

    code: str
    sentence: str


Told = Ok | Refused | Welcome | Trouble | Connected | Ending | Over
# What a page is sent: ours, a verb's own, or one that was packed once for all who get it.
Sent = msgspec.Struct | msgspec.Raw


class BadMessage(ValueError):
    """Not a message that we know; the text names what is wrong and what would do."""


_ENCODER: Final = msgspec.msgpack.Encoder()
_ASKED: Final = msgspec.msgpack.Decoder(Asked)
Body = TypeVar("Body", bound=msgspec.Struct)


def read(raw: bytes) -> Asked:
    """Return what a message asks for; its other fields are `read_body`'s. Raises BadMessage."""
    if len(raw) > MESSAGE_BYTES_MAX:
        raise BadMessage(f"message: longer than {MESSAGE_BYTES_MAX} bytes")
    try:
        asked = _ASKED.decode(raw)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BadMessage(f"message: {error}; send a MessagePack map with do (text) and id (number)") from None
    if not 0 <= asked.id <= ID_MAX:
        raise BadMessage(f"id: must be 0 to {ID_MAX}")
    return asked


def read_body(raw: bytes, kind: type[Body]) -> Body:
    """Return a message's own fields; those that we do not know are ignored. Raises BadMessage."""
    try:
        return msgspec.msgpack.decode(raw, type=kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BadMessage(f"message: {error}") from None


def write(message: Sent) -> bytes:
    """Return one of ours as MessagePack; with its `say`, as all that the page gets has one."""
    return _ENCODER.encode(message)
