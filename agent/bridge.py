"""Watches over the silence while one answer is made: whatever hangs, the caller hears a stock phrase in time.

It knows nothing of who hangs. Before the answer's first sound it goes by the answer's budget (agent/turns/first_sound),
behind it by how long nothing has been heard. What it says is part of the answer: the same turn, the same memory.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from agent.reply import Reply
from agent.turns.first_sound import NEXT_SOUND_MS, UNASKED_MS

_PAUSED_POLL_MS: Final = 200  # the caller speaks over the answer: no silence of ours


class Sound(Protocol):
    """What of the room is needed."""

    @property
    def now(self) -> int: ...
    @property
    def reply_ms(self) -> int: ...
    @property
    def heard_ms(self) -> int: ...
    @property
    def paused(self) -> bool: ...


class Voice(Protocol):
    async def meanwhile(self, phrase: str) -> None:
        """Say a phrase if nothing else has begun to sound before it can; a voice that fails is left at that."""


class Bridge:
    """One answer's. `run` ends when all phrases were said; cancel it when the answer is whole."""

    def __init__(
        self,
        reply: Reply,
        sound: Sound,
        voice: Voice,
        phrases: Sequence[str],
        caller_speaks: Callable[[], bool] = lambda: False,
    ) -> None:
        """`phrases`: what is said at each silence, once each. `caller_speaks`: then there is none."""
        self._reply = reply
        self._sound = sound
        self._voice = voice
        self._phrases = phrases
        self._caller_speaks = caller_speaks
        due_ms = reply.waterfall.due_ms
        self._due_ms = sound.now + UNASKED_MS if due_ms is None else due_ms
        self._seen_ms = -1  # of the reply, at the last look
        self._silent_from_ms = 0  # when that is heard to its end
        self._woken = asyncio.Event()

    def hurry(self) -> None:
        """The first sound is known to be late: do not wait for the budget's end."""
        self._due_ms = min(self._due_ms, self._sound.now)
        self._woken.set()

    async def run(self) -> None:
        for phrase in self._phrases:
            while (left_ms := self._left_ms()) > 0:
                self._woken.clear()
                try:
                    async with asyncio.timeout(left_ms / 1000):
                        await self._woken.wait()
                except TimeoutError:
                    pass
            if phrase not in self._reply.sentences:  # who waits for a tool says it too
                await self._voice.meanwhile(phrase)

    def _left_ms(self) -> int:
        """Return how long silence may still last; when somebody is heard, how long until it is worth a look."""
        sound = self._sound
        if not self._reply.opened:
            left_ms = self._due_ms - sound.now
            return max(left_ms, _PAUSED_POLL_MS) if self._caller_speaks() else left_ms
        if sound.paused or self._caller_speaks():
            self._seen_ms = -1
            return _PAUSED_POLL_MS
        unheard_ms = max(0, sound.reply_ms - sound.heard_ms)
        if unheard_ms or sound.reply_ms != self._seen_ms:
            self._seen_ms, self._silent_from_ms = sound.reply_ms, sound.now + unheard_ms
        return self._silent_from_ms + NEXT_SOUND_MS - sound.now
