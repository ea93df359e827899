"""What is done when the caller says nothing: ask again, offer another time, say goodbye. Sans-I/O.

Who was asked and is silent may be looking for an answer, may not have heard, or may have put the telephone down. Each
silence (agent/turns/timing.py says how long) is met by the next step; whatever is heard of the caller begins anew.
"""

from typing import Final

from agent.llm.port import EventName
from events.call import Outcome

PROMPTS: Final = 2  # the second of them is the offer


class Patience:
    """One call's."""

    def __init__(self, prompts: int = PROMPTS) -> None:
        """`prompts`: at least 1; the last of them offers another time."""
        if prompts < 1:
            raise ValueError("prompts must be at least 1")
        self._prompts = prompts
        self._tried = 0

    @property
    def over(self) -> bool:
        """True when goodbye was due and nothing has been heard since."""
        return self._tried > self._prompts

    @property
    def outcome(self) -> Outcome | None:
        """How the call ends when what is said now was the goodbye."""
        return Outcome.NO_RESPONSE if self.over else None

    def tried(self) -> EventName:
        """The caller was silent once more: return what is due."""
        self._tried += 1
        if self.over:
            return EventName.SILENCE_END
        return EventName.SILENCE_OFFER if self._tried == self._prompts and self._prompts > 1 else EventName.SILENCE

    def renew(self) -> None:
        """Something was heard of the caller."""
        self._tried = 0
