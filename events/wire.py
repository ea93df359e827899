"""The names under which CRM and voice meet in Redis, and the HTTP paths between them. Sans-I/O.

| key | kind | who writes | what |
|---|---|---|---|
| `events:{00..15}` | stream, field `e` | voice | events, by hash of the call id |
| `committed:{org}:{call}` | string "epoch:seq", 7 days | CRM | high-water mark whose effects are committed |
| `commands:{node}` | stream, field `c` | CRM | commands to a node |
| `replies:{command}` | list, 120 s | voice | the one answer |
| `node:{node}` | string (NodeReport), 10 s | voice | load, for choosing a node |
| `permit:{id}` | string, NX, 120 s | voice | spent permits |
| `ticket:{id}` | string, NX, 120 s | voice | used tickets of people |
| `seat:{org}:{user}` | string (SeatReport), 6 s | voice | whose page attends, where, and whether they take calls |
| `occupied:{org}:{user}` | string, 6 s | voice | the call that somebody is in, or that rings them |
| `idle:{org}:{user}` | string, a day | voice | when somebody's last call ended, in Unix seconds |
| `callers:{org}:{queue}` | hash, 10 min | voice | who waits in a queue, in any node's calls |
| `seats:{node}` | stream, field `s`, 60 s | voice | what calls and attending pages tell each other across nodes |
| `live:{org}` | stream, field `l`, an hour | voice | what an organisation's live calls tell, for who follows them |
| `models:off` | string, any | operator | while it is there no language model is asked; its text is the reason |
"""

from typing import Final
from uuid import UUID
from zlib import crc32

import msgspec

EVENT_STREAMS: Final = 16
EVENT_FIELD: Final = b"e"
COMMAND_FIELD: Final = b"c"
REPLY_TTL_S: Final = 120
NODE_TTL_S: Final = 10
PERMIT_TTL_S: Final = 120
TICKET_TTL_S: Final = 120
COMMITTED_TTL_S: Final = 7 * 24 * 3600
NODE_PATTERN: Final = "node:*"
LIVE_FIELD: Final = b"l"
SEAT_TTL_S: Final = 6  # a node that died takes its people out within as long
IDLE_TTL_S: Final = 24 * 3_600
CALLERS_TTL_S: Final = 600
SEATS_FIELD: Final = b"s"
SEATS_KEPT: Final = 2_000
SEATS_TTL_S: Final = 60
LIVE_KEPT: Final = 5_000  # entries of an organisation's live stream
LIVE_TTL_S: Final = 3_600
MODELS_OFF: Final = "models:off"

# CRM routes for voice nodes; both sides send and check `Authorization: Bearer <internal key>`.
DO_NOT_CALL_PATH: Final = "/internal/tools/do_not_call"  # POST DoNotCallQuestion → DoNotCallAnswer


def event_stream(call_id: UUID) -> str:
    """Return the stream that carries all events of a call, in order."""
    return f"events:{stream_number(call_id):02d}"


def stream_number(call_id: UUID) -> int:
    return crc32(call_id.bytes) % EVENT_STREAMS


def all_event_streams() -> tuple[str, ...]:
    return tuple(f"events:{number:02d}" for number in range(EVENT_STREAMS))


def committed_key(org_id: UUID, call_id: UUID) -> str:
    return f"committed:{org_id}:{call_id}"


def commands_key(node: str) -> str:
    return f"commands:{node}"


def live_stream(org_id: UUID) -> str:
    """Return the stream of an organisation's live calls, whichever nodes hold them."""
    return f"live:{org_id}"


def reply_key(command_id: UUID) -> str:
    return f"replies:{command_id}"


def node_key(node: str) -> str:
    return f"node:{node}"


def permit_key(permit_id: UUID) -> str:
    return f"permit:{permit_id}"


def ticket_key(ticket_id: UUID) -> str:
    return f"ticket:{ticket_id}"


def seat_key(org_id: UUID, user_id: UUID) -> str:
    return f"seat:{org_id}:{user_id}"


def occupied_key(org_id: UUID, user_id: UUID) -> str:
    return f"occupied:{org_id}:{user_id}"


def idle_key(org_id: UUID, user_id: UUID) -> str:
    return f"idle:{org_id}:{user_id}"


def callers_key(org_id: UUID, queue: UUID) -> str:
    return f"callers:{org_id}:{queue}"


def seats_stream(node: str) -> str:
    return f"seats:{node}"


class NodeReport(msgspec.Struct, frozen=True):
    """What a voice node announces of itself every few seconds."""

    node: str
    calls: int
    capacity: int
    draining: bool = False
    carrier: str = ""
    version: int = 1
    load: float = 0.0  # that one more call would meet: 0 is idle, at 1 the calls in progress begin to suffer
    shedding: str = ""  # what it does without: "taps", "waveforms", "calls"; each includes those before it
    refuses: str = ""  # why one more call would be refused now, a code of docs/call-path.md; empty: it would be taken
    people: str = ""  # address of the websocket where people come to its calls; empty: it takes none


class DoNotCallQuestion(msgspec.Struct, frozen=True):
    org_id: UUID
    call_id: UUID
    number: str


class DoNotCallAnswer(msgspec.Struct, frozen=True):
    do_not_call: bool
