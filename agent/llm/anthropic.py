"""Anthropic's messages, through its SDK.

A request's temperature is left out: the API's version 2026-10-21, which the SDK speaks, refuses any.
"""

from collections.abc import AsyncGenerator
from typing import Any, Final

import anthropic
import httpx2
from anthropic import AsyncAnthropic

from agent.llm.answer import Answer
from agent.llm.faults import refusal
from agent.llm.links import TIMEOUT, Access, warm
from agent.llm.port import Delta, Failure, FinishReason, ModelUnavailable, Request, Usage
from agent.llm.rendering import Turn, system_text, turns

VENDOR: Final = "anthropic"
BASE_URL: Final = "https://api.anthropic.com"
_FINISH: Final = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "tool_use": FinishReason.STOP,
    "max_tokens": FinishReason.LENGTH,
    "refusal": FinishReason.FILTERED,
}


class AnthropicModel:
    """Implements `agent.llm.port.Model`; keeps nothing between answers, so one may serve many calls."""

    def __init__(self, access: Access, model: str, links: httpx2.AsyncClient) -> None:
        self._url = access.base_url or BASE_URL
        self._model = model
        self._links = links
        # No retries of its own: the gateway has another provider to ask, and a caller who waits.
        self._client = AsyncAnthropic(
            api_key=access.key, base_url=self._url, http_client=links, max_retries=0, timeout=TIMEOUT
        )

    async def warm(self) -> bool:
        return await warm(self._links, self._url)

    async def check(self) -> None:
        """Ask for the list of models, which costs nothing. Raises ModelUnavailable."""
        try:
            await self._client.models.list(limit=1)
        except anthropic.APIStatusError as error:
            raise refusal(VENDOR, error.status_code, error.response.headers) from None
        except (anthropic.AnthropicError, httpx2.HTTPError, ValueError) as error:
            raise _broken(error) from None

    async def reply(self, request: Request) -> AsyncGenerator[Delta, None]:
        answer = Answer(VENDOR)
        prompt_tokens = 0
        asking = self._client.messages.create(**self._parameters(request))
        try:
            async with await asking as events:
                async for event in events:
                    match event.type:
                        case "message_start":
                            prompt_tokens = event.message.usage.input_tokens
                            yield Usage(prompt_tokens, event.message.usage.output_tokens)
                        case "content_block_start" if event.content_block.type == "tool_use":
                            answer.tool_part(event.index, event.content_block.id, event.content_block.name)
                        case "content_block_delta" if event.delta.type == "text_delta":
                            yield answer.text(event.delta.text)
                        case "content_block_delta" if event.delta.type == "input_json_delta":
                            answer.tool_part(event.index, arguments=event.delta.partial_json)
                        case "message_delta":
                            yield Usage(prompt_tokens, event.usage.output_tokens)
                            if event.delta.stop_reason:
                                answer.finish(_FINISH.get(event.delta.stop_reason, FinishReason.STOP))
                        case _:
                            pass  # pings, ends of blocks, kinds of content that were not asked for
        except anthropic.APIStatusError as error:
            # An error event in the stream arrives as this too, with the stream's own status of 200.
            status = error.status_code if error.status_code >= 400 else 529
            raise refusal(VENDOR, status, error.response.headers) from None
        # The SDK leaves what its parser trips over as it is: bad UTF-8 and bad JSON are ValueErrors.
        except (anthropic.AnthropicError, httpx2.HTTPError, ValueError, TypeError, AttributeError) as error:
            raise _broken(error) from None
        for delta in answer.close():
            yield delta

    def _parameters(self, request: Request) -> dict[str, Any]:
        # As it is, past the SDK's own walk through it (agent/llm/openai.py says what that costs).
        body: dict[str, Any] = {"messages": [_message(turn) for turn in turns(request)]}
        parameters: dict[str, Any] = {
            "model": self._model,
            "messages": (),
            "max_tokens": request.max_tokens,
            "stream": True,
            "extra_body": body,
        }
        system = system_text(request)
        if system:
            parameters["system"] = system
        if request.tools:
            body["tools"] = [
                {"name": t.name, "description": t.description, "input_schema": dict(t.parameters)}
                for t in request.tools
            ]
        if request.must_call:
            parameters["tool_choice"] = {"type": "tool", "name": request.must_call}
        return parameters


def _message(turn: Turn) -> dict[str, Any]:
    text = [{"type": "text", "text": turn.text}] if turn.text else []
    if turn.by_agent:
        calls = [{"type": "tool_use", "id": c.id, "name": c.name, "input": dict(c.arguments)} for c in turn.calls]
        return {"role": "assistant", "content": text + calls}
    results = [{"type": "tool_result", "tool_use_id": r.call.id, "content": r.text} for r in turn.results]
    return {"role": "user", "content": results + text}


def _broken(error: Exception) -> ModelUnavailable:
    match error:
        case anthropic.APITimeoutError() | httpx2.TimeoutException():
            return ModelUnavailable(f"{VENDOR}: too slow", Failure.TIMEOUT)
        case anthropic.APIConnectionError() | httpx2.ConnectError():
            return ModelUnavailable(f"{VENDOR}: the connection failed", Failure.UNAVAILABLE)
        case httpx2.HTTPError():
            return ModelUnavailable(f"{VENDOR}: the answer broke off", Failure.CUT)
        case anthropic.AnthropicError():
            return ModelUnavailable(f"{VENDOR}: an error in the answer", Failure.UNAVAILABLE)
        case _:
            return ModelUnavailable(f"{VENDOR}: {type(error).__name__}", Failure.GARBAGE)
