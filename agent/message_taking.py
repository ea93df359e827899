"""Takes a caller's message: words in the agent's voice, a tone, then silence for them, and thanks at its end.

The agent is aside meanwhile, which takes down what they say; the call's own recorder records it, from the end of the
words on that say so. A message ends with a silence, a key, its longest time, or with the line.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Final

import numpy as np

from agent import signals as sig
from agent.overheard import Overheard
from agent.stock_phrases import StockPhrases
from events.call import Outcome
from media.codec import g711
from media.frame import RATE_HZ
from media.room import Room

SPEAK_UP_S: Final = 7.0  # whoever has said nothing by then will not
PAUSE_S: Final = 4.0  # people think, but seldom for longer
LONGEST_S: Final = 180.0
HEARD_MAX_S: Final = 3.0  # behind the length of what was said: marks that the carrier never echoes end no message
_POLL_S: Final = 0.1
TONE_HZ: Final = 1_000
TONE_MS: Final = 500
TONE_PEAK: Final = 8_000  # -12 dB under full scale
EDGE_MS: Final = 10  # faded in and out, so that it does not click


class MessageTaking:
    """One message. `run` asks for it and waits for its end; `close` says what came of it, once."""

    def __init__(
        self,
        words: StockPhrases,
        greeting: str,
        room: Room,
        say: Callable[[str], Awaitable[int]],
        overheard: Overheard,
        put: Callable[[sig.LineGone], None],
    ) -> None:
        """`say` puts words into the room and returns how long they last, in ms; `put` is told of the message's end."""
        self._words = words
        self._greeting = greeting
        self._room = room
        self._say = say
        self._overheard = overheard
        self._put = put
        self._began_ms: int | None = None  # the tone is over
        self._spoke_ms: int | None = None  # the last of theirs
        self._key = False
        self._closed = False

    async def run(self) -> None:
        for words in filter(None, (self._greeting, self._words.leave_message)):
            await self._heard(await self._say(words))
        self._overheard.disclosed(self._room.now)
        voice = self._room.voice
        voice.begin_reply()
        voice.append(tone(), leveled=False)
        voice.complete_reply()
        await self._heard(TONE_MS)
        self._began_ms = self._room.now
        await self._hear_out()
        self.close()
        await self._heard(await self._say(self._words.message_taken))
        self._put(sig.LineGone(Outcome.VOICEMAIL, ""))

    def pressed(self) -> None:
        """The caller has pressed a key: that is all they want to say."""
        self._key = self._began_ms is not None

    def outcome(self, decided: Outcome | None) -> Outcome:
        """Return how the call ends. `decided`: by what they said; only who wants no more calls goes before."""
        if decided is Outcome.OPTED_OUT:
            return decided
        return Outcome.MISSED if self._spoke_ms is None else Outcome.VOICEMAIL

    def close(self) -> None:
        """It is over, also by the line: tell of a message, if there is one."""
        if self._closed or self._began_ms is None:
            return
        self._closed = True
        if self._room.voice_now:
            self._spoke_ms = self._room.now
        if self._spoke_ms is not None:
            self._overheard.message_taken(self._began_ms, self._spoke_ms)

    async def _hear_out(self) -> None:
        assert self._began_ms is not None
        began_ms = self._began_ms
        while not self._key:
            await asyncio.sleep(_POLL_S)
            now = self._room.now
            if self._room.voice_now:
                self._spoke_ms = now
            quiet_since, quiet_s = (began_ms, SPEAK_UP_S) if self._spoke_ms is None else (self._spoke_ms, PAUSE_S)
            if now - quiet_since >= quiet_s * 1000 or now - began_ms >= LONGEST_S * 1000:
                return

    async def _heard(self, length_ms: int) -> None:
        """Wait until what was said has been heard."""
        voice, waited_s = self._room.voice, 0.0
        while voice.heard_ms < length_ms and waited_s < length_ms / 1000 + HEARD_MAX_S:
            await asyncio.sleep(_POLL_S)
            waited_s += _POLL_S


@cache
def tone() -> bytes:
    """Return the tone behind which people speak: µ-law, 8 kHz."""
    at = np.arange(TONE_MS * RATE_HZ // 1000)
    edge = EDGE_MS * RATE_HZ // 1000
    shape = np.minimum(1.0, np.minimum(at, at[::-1]) / edge)
    return g711.encode(np.asarray(np.sin(2 * np.pi * TONE_HZ * at / RATE_HZ) * shape * TONE_PEAK, np.int16))
