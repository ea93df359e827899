"""What tools need of the world: somebody who answers for the CRM."""

from typing import Any, Protocol

from events.tool import ToolAnswer, ToolName


class DeskAway(Exception):
    """The CRM gave no answer that can be used. `in_doubt`: it may have done what it was asked for all the same.

    `retry`: asking again may help.
    """

    def __init__(self, reason: str, *, in_doubt: bool, retry: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.in_doubt = in_doubt
        self.retry = retry


class Desk(Protocol):
    async def ask(self, name: ToolName, tool_call_id: str, arguments: dict[str, Any]) -> ToolAnswer:
        """Have something done for this call, once for each `tool_call_id` however often it is asked.

        Returns within seconds. Raises DeskAway.
        """
        ...
