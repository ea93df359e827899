"""One answer in memory before the first real one: a vendor's SDK imports and builds half of itself at its first use,
which would cost the first caller of a process 40 to 100 ms. Nothing goes out, and no key is needed.
"""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any, Final

import httpx2
import msgspec

from agent.llm.links import Access
from agent.llm.port import Message, ModelUnavailable, Request, Role, Tool

# The least that each vendor streams for an answer of one word.
_EVENTS: Final[Mapping[str, tuple[Mapping[str, Any], ...]]] = {
    "openai": (
        {
            "id": "1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "m",
            "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        },
    ),
    "anthropic": (
        {
            "type": "message_start",
            "message": {
                "id": "1",
                "type": "message",
                "role": "assistant",
                "model": "m",
                "content": [],
                "usage": {"input_tokens": 1, "output_tokens": 1},
            },
        },
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Yes."}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}},
        {"type": "message_stop"},
    ),
    "gemini": (
        {
            "candidates": [{"content": {"role": "model", "parts": [{"text": "Yes."}]}, "finishReason": "STOP"}],
            "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2},
        },
    ),
}
_REQUEST: Final = Request(
    (Message(Role.USER, "Ready?"),), "Be ready.", tools=(Tool("wait", "Wait.", {"type": "object", "properties": {}}),)
)


def rehearse(vendor: str, make: Any) -> int:
    """Have a provider of that vendor answer once; returns how many pieces came. Blocking: for a thread.

    `make`: an `agent.llm.registry.MakeProvider`. A vendor without a sample here, or whose SDK reads it otherwise, is
    not rehearsed: its first answer is slower, and no worse.
    """
    events = _EVENTS.get(vendor)
    if events is None:
        return 0
    return asyncio.run(_answer(make, b"".join(_event(one) for one in events)))


async def _answer(make: Any, body: bytes) -> int:
    def told(_request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=body)

    count = 0
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(told)) as links:
        try:
            async with aclosing(make(Access("rehearsal"), "rehearsal", links).reply(_REQUEST)) as deltas:
                async for _ in deltas:
                    count += 1
        except ModelUnavailable:
            return 0
    return count


def _event(content: Mapping[str, Any]) -> bytes:
    name = f"event: {content['type']}\n" if "type" in content else ""
    return f"{name}data: {msgspec.json.encode(content).decode()}\n\n".encode()
