"""What waits to be sent to one page: answers and news, which must all arrive, and a feed, whose oldest may go."""

import asyncio
from collections import deque
from typing import Final

TOLD_MAX: Final = 200  # messages; a page that is so far behind is not there any more
FED_MAX: Final = 50  # frames: a second or more of sound


class Outgoing:
    """One page's. Putting never waits; one task takes."""

    def __init__(self, told_max: int = TOLD_MAX, fed_max: int = FED_MAX) -> None:
        self.shed = 0  # of the feed
        self.overrun = False  # a message had no room: the page must not go on as if it had come
        self._told: deque[bytes] = deque()
        self._told_max = told_max
        self._fed: deque[bytes] = deque(maxlen=fed_max)
        self._filled = asyncio.Event()

    def tell(self, message: bytes) -> None:
        """Send that before anything of the feed; full, nothing more is taken and `overrun` says so."""
        if len(self._told) >= self._told_max:
            self.overrun = True
        else:
            self._told.append(message)
        self._filled.set()

    def feed(self, frame: bytes) -> None:
        """Send that when there is time; full, the oldest of the feed goes."""
        if len(self._fed) == self._fed.maxlen:
            self.shed += 1
        self._fed.append(frame)
        self._filled.set()

    def __len__(self) -> int:
        return len(self._told)

    async def get(self) -> bytes:
        # Nothing is taken before the last await, so that cancelling loses nothing.
        while not self._told and not self._fed:
            self._filled.clear()
            await self._filled.wait()
        return self._told.popleft() if self._told else self._fed.popleft()
