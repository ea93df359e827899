"""A desk whose answers a test decides."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from agent.tools.port import DeskAway
from events.tool import ToolAnswer, ToolName

Reply = ToolAnswer | DeskAway
BOOKED = ToolAnswer({"booked": True, "when": "Tuesday, 10:00"})


@dataclass
class ScriptedDesk:
    """Implements `agent.tools.port.Desk`."""

    reply: Callable[[ToolName], Reply] = lambda name: BOOKED
    delay_s: float = 0.0
    asked: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)

    async def ask(self, name: ToolName, tool_call_id: str, arguments: dict[str, Any]) -> ToolAnswer:
        self.asked.append((name.value, tool_call_id, arguments))
        await asyncio.sleep(self.delay_s)
        self.answered.append(tool_call_id)
        reply = self.reply(name)
        if isinstance(reply, DeskAway):
            raise reply
        return reply
