"""The simulated call's language models: they say what the playbook would, a few words at a time, as servers do."""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from agent.llm.port import Delta, Failure, ModelUnavailable, Request, Text, ToolCall, Usage
from agent.llm.scripted import ScriptedModel

_STALL_S: Final = 30.0
_WORDS_AT_ONCE: Final = 3
_TOKEN_S: Final = 0.03


class ModelFault(Enum):
    NONE = "none"
    SLOW = "slow"  # with its first token, beyond anybody's patience
    LATE = "late"  # with its first token, so that a rival starts
    REFUSES = "refuses"
    CUT = "cut"  # in mid-answer
    STALLS = "stalls"  # in mid-answer, for ever
    EMPTY = "empty"


@dataclass(slots=True)
class SimModel:
    """Implements `agent.llm.port.Model`. Asked to go on behind another's words it does, at times repeating some."""

    name: str
    script: ScriptedModel
    dice: random.Random
    note: Callable[[str, str], None]
    first_token_s: float = 0.35
    fault: Callable[[], ModelFault] = lambda: ModelFault.NONE

    async def reply(self, request: Request) -> AsyncGenerator[Delta, None]:
        fault = self.fault()
        if fault is not ModelFault.NONE:
            self.note(self.name, f"fault: {fault.value}")
        words, calls = await self._answer(request)
        await asyncio.sleep(self._first_token_s(fault))
        if fault is ModelFault.REFUSES:
            raise ModelUnavailable(f"{self.name}: 503", Failure.UNAVAILABLE)
        if fault is ModelFault.EMPTY:
            raise ModelUnavailable(f"{self.name}: nothing", Failure.EMPTY)
        fails_at = self.dice.randrange(1, len(words)) if len(words) > 1 else len(words)
        for place in range(0, len(words), _WORDS_AT_ONCE):
            if place >= fails_at and fault is ModelFault.CUT:
                raise ModelUnavailable(f"{self.name}: cut", Failure.CUT)
            if place >= fails_at and fault is ModelFault.STALLS:
                await asyncio.sleep(_STALL_S)
            yield Text("".join(f"{word} " for word in words[place : place + _WORDS_AT_ONCE]))
            await asyncio.sleep(_TOKEN_S)
        if fault in (ModelFault.CUT, ModelFault.STALLS):
            raise ModelUnavailable(f"{self.name}: cut", Failure.CUT)
        for call in calls:
            if not any((known.name, known.arguments) == (call.name, call.arguments) for known in request.called):
                yield call
        yield Usage(100, len(words))

    def _first_token_s(self, fault: ModelFault) -> float:
        match fault:
            case ModelFault.SLOW:
                return _STALL_S
            case ModelFault.LATE:
                return self.dice.uniform(0.75, 1.5)
            case _:
                return self.first_token_s * self.dice.uniform(0.7, 1.4)

    async def _answer(self, request: Request) -> tuple[list[str], list[ToolCall]]:
        """Return the words that are left to say of the answer, and its calls."""
        text, calls = "", []
        async for delta in self.script.reply(replace(request, said="", called=())):
            if isinstance(delta, Text):
                text += delta.text
            elif isinstance(delta, ToolCall):
                calls.append(delta)
        words, said = text.split(), request.said.split()
        if said and words[: len(said)] == said:
            repeats = self.dice.choice((0, 0, 3, 4))  # fewer could not be told from a figure of speech
            return words[max(0, len(said) - repeats) :] if len(said) >= repeats else words[len(said) :], calls
        return words, calls
