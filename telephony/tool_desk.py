"""The CRM as live calls ask it: one POST, and once more under the same key when nobody answered.

Asking again is safe, because the CRM keeps what came of each key; not asking would leave it open whether it was done.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from uuid import UUID

import httpx
import msgspec

from agent.tools.port import Desk, DeskAway
from events.legs import LEG_PATH, LegAnswer, LegQuestion
from events.tool import PATH_PREFIX, ToolAnswer, ToolName, ToolQuestion

TIMEOUT_S: Final = 2.0
TRIES: Final = 2

Answer = TypeVar("Answer", bound=msgspec.Struct)
Desks = Callable[[UUID, UUID], Desk]  # of an organisation's call


@dataclass(frozen=True, slots=True)
class ToolDesk:
    """Implements `agent.tools.port.Desk` for one call."""

    crm: httpx.AsyncClient  # with the internal key in its headers
    org_id: UUID
    call_id: UUID

    async def ask(self, name: ToolName, tool_call_id: str, arguments: dict[str, Any]) -> ToolAnswer:
        question = ToolQuestion(self.org_id, self.call_id, tool_call_id, arguments)
        return await ask_crm(self.crm, f"{PATH_PREFIX}{name}", question, ToolAnswer)


@dataclass(frozen=True, slots=True)
class LegDesk:
    """The CRM as calls ask it whether another number may be telephoned."""

    crm: httpx.AsyncClient  # with the internal key in its headers

    async def ask(self, question: LegQuestion) -> LegAnswer:
        """Returns within TRIES * TIMEOUT_S. Raises DeskAway."""
        return await ask_crm(self.crm, LEG_PATH, question, LegAnswer)


async def ask_crm(crm: httpx.AsyncClient, path: str, question: msgspec.Struct, answer: type[Answer]) -> Answer:
    """Ask, and once more when nobody answered. Raises DeskAway."""
    content = msgspec.json.encode(question)
    failure: DeskAway | None = None
    for _ in range(TRIES):
        try:
            return await _ask_once(crm, path, content, answer)
        except DeskAway as error:
            # In doubt once is in doubt for good: a refused connection later says nothing of the first request.
            failure = DeskAway(error.reason, in_doubt=error.in_doubt or (failure is not None and failure.in_doubt))
            if not error.retry:
                break
    assert failure is not None
    raise failure


async def _ask_once(crm: httpx.AsyncClient, path: str, content: bytes, answer: type[Answer]) -> Answer:
    headers = {"content-type": "application/json"}
    try:
        reply = await crm.post(path, content=content, headers=headers, timeout=TIMEOUT_S)
    except httpx.ConnectError:
        raise DeskAway("crm_away", in_doubt=False) from None
    except httpx.HTTPError as error:
        raise DeskAway(f"crm_{type(error).__name__.lower()}", in_doubt=True) from None
    if reply.status_code >= 500:
        raise DeskAway(f"crm_{reply.status_code}", in_doubt=True)
    if reply.status_code >= 400:
        raise DeskAway(f"crm_{reply.status_code}", in_doubt=False, retry=False)
    try:
        return msgspec.json.decode(reply.content, type=answer)
    except msgspec.MsgspecError:
        raise DeskAway("crm_garbage", in_doubt=True) from None


def desks_of(crm: httpx.AsyncClient) -> Desks:
    return lambda org_id, call_id: ToolDesk(crm, org_id, call_id)
