"""Listening to a call by a socket: both sides' sound, packed once a stretch however many listen. Nothing here waits.

The line's own µ-law is sent on as it is. Nothing is decoded or encoded for it, it is half the size of linear samples,
and a page turns it into sound by a table of 256 values. A listener costs the call one call of their feed every 60 ms;
what a slow network does not take is dropped there (telephony/people), and nobody here knows.
"""

from collections.abc import Callable
from typing import Final

from media.codec import g711
from media.codec.g711 import ULAW_SILENCE
from media.frame import FRAME_MS
from media.room import Room
from telephony.supervisor.messages import Levels, Sound, pack

STRETCH_MS: Final = 60  # shorter stretches cost each listener more; a second after the click is what may pass
LEVELS_EVERY: Final = 3  # stretches: five or six times a second
_FRAMES: Final = STRETCH_MS // FRAME_MS

Feed = Callable[[bytes], None]


class Tap:
    """One call's. While nobody listens, the room does not know of it."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._listeners: dict[str, Feed] = {}
        self._meters: dict[str, Feed] = {}
        self._prospect: list[bytes] = []
        self._ours: list[bytes] = []
        self._number = 0

    def listen(self, name: str, feed: Feed | None) -> None:
        """Give somebody the sound; None: no more."""
        self._change(self._listeners, name, feed)

    def follow_levels(self, name: str, feed: Feed | None) -> None:
        """Give somebody the levels; None: no more."""
        self._change(self._meters, name, feed)

    @property
    def listeners(self) -> int:
        return len(self._listeners)

    def hear(self, prospect: bytes, ours: bytes) -> None:
        """Take 20 ms of both sides, µ-law; `ours` is empty in silence."""
        self._prospect.append(prospect)
        self._ours.append(ours or ULAW_SILENCE * len(prospect))
        if len(self._prospect) < _FRAMES:
            return
        sides = b"".join(self._prospect), b"".join(self._ours)
        self._prospect.clear()
        self._ours.clear()
        self._number += 1
        if self._room.taps_shed:
            return
        if self._listeners:
            prospect, ours = (b"" if _silent(side) else side for side in sides)
            message = pack(Sound(self._number, prospect, ours))
            for feed in self._listeners.values():
                feed(message)
        if self._meters and self._number % LEVELS_EVERY == 0:
            loud, our_loud = (round(g711.rms(g711.decode_frame(side)), 3) for side in sides)
            message = pack(Levels(loud, our_loud))
            for feed in self._meters.values():
                feed(message)

    def _change(self, feeds: dict[str, Feed], name: str, feed: Feed | None) -> None:
        feeds.pop(name, None)
        if feed is not None:
            feeds[name] = feed
        self._room.tap = self.hear if self._listeners or self._meters else None


def _silent(ulaw: bytes) -> bool:
    return ulaw.count(ULAW_SILENCE) == len(ulaw)
