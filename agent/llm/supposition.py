"""An answer asked for before its question is known for certain: is it the answer to what was asked in the end?

Sans-I/O. Words decide, not letters: a recogniser's last word on an utterance adds capitals and full stops.
"""

from dataclasses import dataclass, replace

from agent.llm.port import Message, Request, Role
from agent.llm.race import Race


@dataclass(frozen=True, slots=True)
class Supposition:
    """`race` has begun to answer `request`; nothing of it was handed on."""

    request: Request
    race: Race

    def answers(self, request: Request) -> bool:
        return same_question(self.request, request)


def same_question(one: Request, other: Request) -> bool:
    """True when both ask the same, but for how the caller's words are written."""
    return replace(one, messages=_spoken(one)) == replace(other, messages=_spoken(other))


def _spoken(request: Request) -> tuple[Message, ...]:
    return tuple(
        replace(message, text=" ".join(_plain(message.text))) if message.role is Role.USER else message
        for message in request.messages
    )


def _plain(text: str) -> list[str]:
    # Apostrophes and hyphens are within words; what is left at their ends is punctuation.
    words = (word.strip(".,;:!?…\"'()[]-–—«»").casefold() for word in text.split())
    return [word for word in words if word]
