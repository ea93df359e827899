"""The operator stops all models in mid-call (S140): a person takes the caller, where the organisation has one.

Who is not handed over hears goodbye (`agent.apology`), and the CRM gets a call-back to make.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog

from agent.apology import SWITCHED_OFF
from agent.llm.port import EventName, Message, Role, ToolCall
from agent.reply import Reply
from agent.stock_phrases import StockPhrases
from agent.tools.rounds import GRANTED_TRANSFER

HandOver = Callable[[], Awaitable[bool]]  # asks whether the caller may be put through

ASK_TIMEOUT_S: Final = 2.5  # "one moment" takes one of them: with more the caller hears nothing for two
# Whom these are about is no caller who could talk to a person now.
_NOBODY: Final = frozenset(
    {EventName.ANSWERED, EventName.MESSAGE_BEEP, EventName.SCREENING, EventName.MENU}
    | {EventName.SILENCE_OFFER, EventName.SILENCE_END, EventName.TIME_UP}
)

log = structlog.get_logger()


async def hand_over(
    reply: Reply,
    messages: Sequence[Message],
    ask: HandOver | None,
    say: Callable[[str], Awaitable[None]],
    phrases: StockPhrases,
) -> bool:
    """Make `reply` the one that hands the caller over; False where nobody takes them.

    Raises:
        SpeakingFailed: of `say`.
    """
    if ask is None or not in_conversation(messages):
        return False
    if phrases.one_moment not in reply.sentences:
        await say(phrases.one_moment)
    try:
        async with asyncio.timeout(ASK_TIMEOUT_S):
            granted = await ask()
    except TimeoutError:
        log.warning("hand_over.too_slow")
        granted = False
    if not granted:
        return False
    reply.failed = SWITCHED_OFF
    reply.calls.append(ToolCall("handed-over", GRANTED_TRANSFER, {}))
    await say(phrases.handing_over)
    return True


def in_conversation(messages: Sequence[Message]) -> bool:
    """True when a person has been talked to, and waits for an answer."""
    if not any(message.role is Role.ASSISTANT for message in messages):
        return False
    last = messages[-1]
    return not (last.role is Role.EVENT and last.text in _NOBODY)
