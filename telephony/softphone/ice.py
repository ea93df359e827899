"""Our end of ICE: a lite one, which answers a browser's checks and makes none (RFC 8445 §2.5, 7.3). Sans-I/O.

A node has one address that browsers reach and knows it, so it has nothing to find out. Whoever checks proves by the
password in our answer that they are whom we answered; where the last nominated check came from is where they are. So
a browser whose address changes is followed with its next check.
"""

import secrets
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from aioice import stun

Address = tuple[str, int]

SOURCES_MAX: Final = 8  # addresses that one browser is known by: its interfaces, and their relays
_NAME_BYTES: Final = 6  # RFC 8445 §5.3: 24 bits at least
_PASSWORD_BYTES: Final = 18  # 128 bits at least


@dataclass(slots=True)
class IceEnd:
    """One peer connection's. `name` is found in its checks."""

    name: str = field(default_factory=lambda: secrets.token_hex(_NAME_BYTES))
    password: str = field(default_factory=lambda: secrets.token_hex(_PASSWORD_BYTES))
    remote: Address | None = None  # where we send to
    sources: list[Address] = field(default_factory=list)  # that have proved themselves, the newest last


@dataclass(frozen=True, slots=True)
class Checked:
    """A check that was right: what to answer, and to whom it belongs."""

    end: IceEnd
    reply: bytes
    forgotten: Address | None = None  # a source that gives way to this one


def is_check(data: bytes) -> bool:
    """Whether a datagram is STUN's, not DTLS or SRTP (RFC 7983)."""
    return bool(data) and data[0] < 4


def answer(data: bytes, source: Address, find: Callable[[str], IceEnd | None]) -> Checked | None:
    """Take a datagram that may be a check; None: it is none, or nobody's, and gets no answer."""
    try:
        request = stun.parse_message(data)
        if (request.message_method, request.message_class) != (stun.Method.BINDING, stun.Class.REQUEST):
            return None
        end = find(str(request.attributes.get("USERNAME", "")).partition(":")[0])
        if end is None or not request.check_message_integrity(end.password.encode()):
            return None
    except (ValueError, struct.error):
        return None
    forgotten = _know(end, source)
    # Before anything is nominated, the first address will do: media that is ready need not wait.
    if end.remote is None or "USE-CANDIDATE" in request.attributes:
        end.remote = source
    reply = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, transaction_id=request.transaction_id)
    reply.attributes["XOR-MAPPED-ADDRESS"] = source
    reply.add_message_integrity(end.password.encode())
    return Checked(end, bytes(reply), forgotten)


def _know(end: IceEnd, source: Address) -> Address | None:
    if source in end.sources:
        return None
    end.sources.append(source)
    if len(end.sources) <= SOURCES_MAX:
        return None
    # Not the one in use, which may have been the first.
    oldest = next(known for known in end.sources if known not in (end.remote, source))
    end.sources.remove(oldest)
    return oldest
