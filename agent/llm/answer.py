"""An answer as it arrives from a vendor: what has come, and whether it may end like this. Sans-I/O.

Held by each vendor's file, so that all judge alike: an answer without an end was cut, one without content is empty,
arguments that are no JSON object are garbage.
"""

import json
from dataclasses import dataclass, field, replace
from typing import Any, Final

from agent.llm.port import Delta, Failure, Finish, FinishReason, ModelUnavailable, Text, ToolCall

ARGUMENTS_CHARS_MAX: Final = 64 * 1024


@dataclass(slots=True)
class _Part:
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


class Answer:
    def __init__(self, vendor: str) -> None:
        self._vendor = vendor
        self._content = False
        self._finish: FinishReason | None = None
        self._parts: dict[int, _Part] = {}
        self._whole: list[ToolCall] = []

    def text(self, text: str) -> Text:
        self._content = self._content or bool(text.strip())
        return Text(text)

    def tool_part(self, index: int, call_id: str = "", name: str = "", arguments: str = "") -> None:
        """Take a piece of the tool call with that index; its pieces come in order."""
        part = self._parts.setdefault(index, _Part())
        part.id = call_id or part.id
        part.name = name or part.name
        part.arguments.append(arguments)

    def whole_call(self, call: ToolCall) -> None:
        """Take a tool call that arrived in one piece; without an id it gets one."""
        self._whole.append(call if call.id else replace(call, id=f"call_{len(self._whole)}"))

    def finish(self, reason: FinishReason) -> None:
        self._finish = reason

    def close(self) -> list[Delta]:
        """Return what is known only at the end: tool calls and the reason.

        Raises:
            ModelUnavailable: the answer was cut, is empty, or asks for a tool in a way that cannot be read.
        """
        if self._finish is None:
            raise ModelUnavailable(f"{self._vendor}: the answer broke off", Failure.CUT)
        calls: list[Delta] = [*self._whole, *(self._call(index, part) for index, part in sorted(self._parts.items()))]
        if not self._content and not calls:
            raise ModelUnavailable(f"{self._vendor}: an empty answer", Failure.EMPTY)
        return [*calls, Finish(self._finish)]

    def _call(self, index: int, part: _Part) -> ToolCall:
        return ToolCall(part.id or f"call_{index}", part.name, self._arguments(part))

    def _arguments(self, part: _Part) -> dict[str, Any]:
        text = "".join(part.arguments) or "{}"
        try:
            arguments = json.loads(text) if len(text) <= ARGUMENTS_CHARS_MAX else None
        except ValueError:
            arguments = None
        if not part.name or not isinstance(arguments, dict):
            # No cause attached: arguments hold what the caller said.
            raise ModelUnavailable(f"{self._vendor}: a tool call that cannot be read", Failure.GARBAGE) from None
        return arguments
