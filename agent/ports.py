"""What a conversation is given: its minds, and a witness of what happens."""

from dataclasses import dataclass
from typing import Protocol

from agent.llm.port import Model, Tool
from agent.stt.port import Recognizer
from agent.tts.port import Voice
from events.call import Body


class Witness(Protocol):
    """Who is told what happens: the call."""

    def emit(self, body: Body) -> None: ...

    def on_floor(self, *, speaking: bool) -> None: ...

    def on_disclosed(self, at_ms: int) -> None:
        """The opening, disclosure included, was heard to its end."""


@dataclass(frozen=True, slots=True)
class Minds:
    """What the agent hears, thinks and speaks with."""

    recognizer: Recognizer
    model: Model
    voice: Voice
    backchannels: frozenset[str]
    variables: dict[str, str]
    instructions: str = ""  # for models that need to be told; the script carries its own
    tools: tuple[Tool, ...] = ()
