"""Messages of the carrier's protocol, and damaged ones made of them. Sans-I/O; chance comes as an argument."""

import json
from base64 import b64encode
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

_STREAM, _CALL, _ACCOUNT = f"MZ{7:032x}", f"CA{7:032x}", f"AC{7:032x}"
_FORMAT: Final = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
NESTED: Final = 20_000  # levels: far beyond what any parser should follow
NESTED_READ: Final = 100  # what was nested deeper by another change is not read again
_ODD_VALUES: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 2**63, -(2**63), 10**30, 1e308, "", " ", "0", "-1", "NaN", "9" * 400, "²"),
    *("\x00", "\ud7ff", "é" * 50, [], {}, [[]], {"a": 1}, [None] * 50),
)
_TEARS: Final = (b"", b"{", b"null", b"[]", b"\x00" * 64, b"\xff\xfe", b"\xc3\x28", b'"', b"1e999", b"{}" * 40)


def connected() -> bytes:
    return b'{"event":"connected","protocol":"Call","version":"1.0.0"}'


def start(number: int = 7) -> bytes:
    body = {
        "accountSid": _ACCOUNT,
        "streamSid": f"MZ{number:032x}",
        "callSid": f"CA{number:032x}",
        "tracks": ["inbound"],
        "mediaFormat": _FORMAT,
        "customParameters": {"k": "v"},
    }
    return _json({"event": "start", "sequenceNumber": "1", "start": body, "streamSid": f"MZ{number:032x}"})


def media(sequence: int, stamp_ms: int | str, ulaw: bytes) -> bytes:
    body = {
        "track": "inbound",
        "chunk": str(sequence),
        "timestamp": str(stamp_ms),
        "payload": b64encode(ulaw).decode(),
    }
    return _json({"event": "media", "sequenceNumber": str(sequence), "media": body, "streamSid": _STREAM})


def mark(name: str = "1:1") -> bytes:
    return _json({"event": "mark", "sequenceNumber": "6", "streamSid": _STREAM, "mark": {"name": name}})


def dtmf() -> bytes:
    body = {"track": "inbound_track", "digit": "1"}
    return _json({"event": "dtmf", "streamSid": _STREAM, "sequenceNumber": "5", "dtmf": body})


def stop() -> bytes:
    body = {"accountSid": _ACCOUNT, "callSid": _CALL}
    return _json({"event": "stop", "sequenceNumber": "7", "stop": body, "streamSid": _STREAM})


def all_kinds() -> list[bytes]:
    """Return one good message of each kind."""
    return [connected(), start(), media(2, 0, b"\xff" * 160), mark(), dtmf(), stop()]


def damaged(messages: Sequence[bytes], chance: Random) -> bytes:
    """Return one of the messages with something wrong, by one to three changes."""
    raw = chance.choice(messages)
    for _ in range(chance.randint(1, 3)):
        raw = chance.choice(_CHANGES)(raw, chance)
    return raw


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _truncate(raw: bytes, chance: Random) -> bytes:
    return raw[: chance.randrange(len(raw) + 1)]


def _flip(raw: bytes, chance: Random) -> bytes:
    if not raw:
        return raw
    changed = bytearray(raw)
    for _ in range(chance.randint(1, 8)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _insert(raw: bytes, chance: Random) -> bytes:
    place = chance.randrange(len(raw) + 1)
    return raw[:place] + chance.randbytes(chance.randint(1, 40)) + raw[place:]


def _repeat(raw: bytes, chance: Random) -> bytes:
    place = chance.randrange(len(raw) + 1)
    return raw[:place] + raw[place : place + 30] * chance.randint(2, 60) + raw[place:]


def _retype(raw: bytes, chance: Random) -> bytes:
    """Give some member another type, take it away, or double it under another name."""
    if raw.count(b"[") + raw.count(b"{") > NESTED_READ:
        return raw
    try:
        value = json.loads(raw)
    except ValueError:
        return raw
    places = list(_members(value))
    if not places:
        return raw
    holder, name = chance.choice(places)
    match chance.randrange(3):
        case 0:
            del holder[name]
        case 1:
            holder[name] = chance.choice(_ODD_VALUES)
        case _:
            holder[f"{name}{chance.choice(('', 'x', ' '))}"] = holder[name]
    return _json(value)


def _members(value: Any) -> list[tuple[dict[str, Any], str]]:
    found: list[tuple[dict[str, Any], str]] = []
    if isinstance(value, dict):
        for name, inner in value.items():
            found.append((value, name))
            found += _members(inner)
    return found


def _nest(raw: bytes, chance: Random) -> bytes:
    opening = chance.choice((b"[", b'{"a":'))
    return b'{"event":"media","extra":' + opening * chance.choice((10, 500, NESTED // len(opening))) + raw


def _replace(raw: bytes, chance: Random) -> bytes:
    return chance.choice((*_TEARS, chance.randbytes(chance.randint(1, 300)), raw * 3))


_CHANGES: Final[tuple[Callable[[bytes, Random], bytes], ...]] = (
    *(_truncate, _flip, _insert, _repeat, _retype, _retype, _retype, _nest, _replace),
)
