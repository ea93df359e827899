"""How many of the last answers another model than the first one gave (S28). Sans-I/O."""

from collections import deque
from typing import Final

from agent.llm.usage import Fate, ModelCall

ANSWERS: Final = 200
ANSWERS_MIN: Final = 20  # fewer say nothing
SHARE_MAX: Final = 0.10


class FallbackShare:
    """Of one process. An answer that two models gave counts for both."""

    def __init__(self) -> None:
        self._last: deque[bool] = deque(maxlen=ANSWERS)
        self._high = False

    @property
    def share(self) -> float:
        """From 0 to 1; 0 while there are too few answers to tell."""
        return sum(self._last) / len(self._last) if len(self._last) >= ANSWERS_MIN else 0.0

    def note(self, call: ModelCall) -> bool:
        """Take a request that is over; True when with it the share has become too high."""
        if call.fate is not Fate.SPOKEN:
            return False
        self._last.append(call.rank > 0)
        was_high, self._high = self._high, self.share > SHARE_MAX
        return self._high and not was_high
