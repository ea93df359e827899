"""How many commands a person may give: some at once, then so many a second. Sans-I/O."""

from typing import Final

COMMANDS_A_SECOND: Final = 10.0  # nobody clicks faster, and a page's own are few
COMMANDS_AT_ONCE: Final = 30.0


class Pace:
    """A bucket that fills by itself. `now_s`: of a monotonic clock."""

    def __init__(self, now_s: float, per_s: float = COMMANDS_A_SECOND, at_once: float = COMMANDS_AT_ONCE) -> None:
        self.refused = 0  # in a row
        self._per_s = per_s
        self._at_once = at_once
        self._left = at_once
        self._at_s = now_s

    def allows(self, now_s: float) -> bool:
        """Take one from the bucket; False when it is empty."""
        self._left = min(self._at_once, self._left + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        if self._left < 1:
            self.refused += 1
            return False
        self._left -= 1
        self.refused = 0
        return True
