"""Media Streams text frames, from the carrier's end: what it writes and what it may be told. Sans-I/O.

Counters are strings; only `sampleRate` and `channels` are numbers. `sequenceNumber` rises over all kinds of
messages, from 1 on `start`; `connected` has none.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

CONNECTED: Final = '{"event":"connected","protocol":"Call","version":"1.0.0"}'


class InvalidMessage(ValueError):
    """A frame from the server that the carrier cannot use (31951)."""


@dataclass(frozen=True, slots=True)
class Media:
    ulaw: bytes


@dataclass(frozen=True, slots=True)
class Mark:
    name: str


@dataclass(frozen=True, slots=True)
class Clear:
    pass


Told = Media | Mark | Clear


class Writer:
    """Numbers and words the messages of one stream."""

    def __init__(self, account_sid: str, call_sid: str, stream_sid: str) -> None:
        self._account_sid = account_sid
        self._call_sid = call_sid
        self.stream_sid = stream_sid
        self.sequence = 0
        self.chunk = 0

    def start(self, parameters: Mapping[str, str]) -> str:
        details = {
            "accountSid": self._account_sid,
            "streamSid": self.stream_sid,
            "callSid": self._call_sid,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": dict(parameters),
        }
        return self._message({"event": "start", "sequenceNumber": self._next(), "start": details})

    def media(self, ulaw: bytes, at_ms: int) -> str:
        """Word one frame; `at_ms` since the stream began. Joined by hand: this is the one message per 20 ms."""
        self.chunk += 1
        payload = base64.b64encode(ulaw).decode()
        return (
            f'{{"event":"media","sequenceNumber":"{self._next()}","media":{{"track":"inbound","chunk":"{self.chunk}",'
            f'"timestamp":"{at_ms}","payload":"{payload}"}},"streamSid":"{self.stream_sid}"}}'
        )

    def dtmf(self, digit: str) -> str:
        return self._message(
            {
                "event": "dtmf",
                "streamSid": self.stream_sid,
                "sequenceNumber": self._next(),
                "dtmf": {"track": "inbound_track", "digit": digit},
            }
        )

    def mark(self, name: str) -> str:
        return self._message(
            {"event": "mark", "sequenceNumber": self._next(), "streamSid": self.stream_sid, "mark": {"name": name}}
        )

    def stop(self) -> str:
        details = {"accountSid": self._account_sid, "callSid": self._call_sid}
        return self._message({"event": "stop", "sequenceNumber": self._next(), "stop": details})

    def _next(self) -> str:
        self.sequence += 1
        return str(self.sequence)

    def _message(self, fields: dict[str, Any]) -> str:
        return json.dumps({**fields, "streamSid": self.stream_sid}, separators=(",", ":"))


def read(frame: str | bytes, stream_sid: str) -> Told:
    """Return what the server tells the carrier.

    Raises:
        InvalidMessage: binary, not JSON, another stream's, of an unknown kind, or a field missing or malformed.
    """
    if isinstance(frame, bytes):
        raise InvalidMessage("binary frame")
    try:
        message = json.loads(frame)
    except (ValueError, RecursionError):
        raise InvalidMessage("not JSON") from None
    if not isinstance(message, dict):
        raise InvalidMessage("not an object")
    if message.get("streamSid") != stream_sid:
        raise InvalidMessage("streamSid is missing or another stream's")
    match message:
        case {"event": "media", "media": {"payload": str(payload)}}:
            try:
                return Media(base64.b64decode(payload, validate=True))
            except (binascii.Error, ValueError):
                raise InvalidMessage("payload is not base64") from None
        case {"event": "mark", "mark": {"name": str(name)}}:
            return Mark(name)
        case {"event": "clear"}:
            return Clear()
        case _:
            raise InvalidMessage("unknown event, or a field missing")
