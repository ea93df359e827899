"""OpenAI's chat completions, and every server that speaks them (Azure, Groq, vLLM, Ollama…), through its SDK."""

import json
from collections.abc import AsyncGenerator
from typing import Any, Final

import httpx2
import openai
from openai import AsyncOpenAI

from agent.llm.answer import Answer
from agent.llm.faults import refusal
from agent.llm.links import TIMEOUT, Access, warm
from agent.llm.port import Delta, Failure, FinishReason, ModelUnavailable, Request, Usage
from agent.llm.rendering import Turn, system_text, turns

VENDOR: Final = "openai"
BASE_URL: Final = "https://api.openai.com/v1"
_FINISH: Final = {
    "stop": FinishReason.STOP,
    "tool_calls": FinishReason.STOP,
    "function_call": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "content_filter": FinishReason.FILTERED,
}


class OpenAIModel:
    """Implements `agent.llm.port.Model`; keeps nothing between answers, so one may serve many calls."""

    def __init__(self, access: Access, model: str, links: httpx2.AsyncClient) -> None:
        self._url = access.base_url or BASE_URL
        self._model = model
        self._links = links
        # No retries of its own: the gateway has another provider to ask, and a caller who waits.
        self._client = AsyncOpenAI(
            api_key=access.key, base_url=self._url, http_client=links, max_retries=0, timeout=TIMEOUT
        )

    async def warm(self) -> bool:
        return await warm(self._links, self._url)

    async def check(self) -> None:
        """Ask for the list of models, which costs nothing. Raises ModelUnavailable."""
        try:
            await self._client.models.list()
        except openai.APIStatusError as error:
            raise refusal(VENDOR, error.status_code, error.response.headers) from None
        except (openai.OpenAIError, httpx2.HTTPError, ValueError) as error:
            raise _broken(error) from None

    async def reply(self, request: Request) -> AsyncGenerator[Delta, None]:
        answer = Answer(VENDOR)
        asking = self._client.chat.completions.create(**self._parameters(request))
        try:
            async with await asking as chunks:
                async for chunk in chunks:
                    if chunk.usage is not None:
                        yield Usage(chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
                    for choice in chunk.choices[:1]:
                        if choice.delta.content:
                            yield answer.text(choice.delta.content)
                        for part in choice.delta.tool_calls or ():
                            function = part.function
                            name, arguments = (function.name, function.arguments) if function else ("", "")
                            answer.tool_part(part.index, part.id or "", name or "", arguments or "")
                        if choice.finish_reason:
                            answer.finish(_FINISH.get(choice.finish_reason, FinishReason.STOP))
        except openai.APIStatusError as error:
            raise refusal(VENDOR, error.status_code, error.response.headers) from None
        # The SDK leaves what its parser trips over as it is: bad UTF-8 and bad JSON are ValueErrors.
        except (openai.OpenAIError, httpx2.HTTPError, ValueError, TypeError, AttributeError) as error:
            raise _broken(error) from None
        for delta in answer.close():
            yield delta

    def _parameters(self, request: Request) -> dict[str, Any]:
        system = system_text(request)
        messages: list[dict[str, Any]] = [{"role": "system", "content": system}] if system else []
        for turn in turns(request):
            messages += _messages(turn)
        # The vendor's newer models refuse `max_tokens`; the servers that imitate it know nothing else.
        limit = "max_completion_tokens" if self._url == BASE_URL else "max_tokens"
        # The SDK walks through whatever its own parameters hold, type by type: 8 ms of CPU for a conversation of ten
        # turns with six tools, in the caller's wait. What stands in `extra_body` is sent as it is.
        body: dict[str, Any] = {"messages": messages}
        parameters: dict[str, Any] = {
            "model": self._model,
            "messages": (),
            "stream": True,
            "stream_options": {"include_usage": True},
            limit: request.max_tokens,
            "extra_body": body,
        }
        if request.temperature is not None:
            parameters["temperature"] = request.temperature
        if request.tools:
            body["tools"] = [
                {
                    "type": "function",
                    "function": {"name": t.name, "description": t.description, "parameters": dict(t.parameters)},
                }
                for t in request.tools
            ]
        if request.must_call:
            parameters["tool_choice"] = {"type": "function", "function": {"name": request.must_call}}
        return parameters


def _messages(turn: Turn) -> list[dict[str, Any]]:
    if turn.by_agent:
        message: dict[str, Any] = {"role": "assistant", "content": turn.text or None}
        if turn.calls:
            message["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": json.dumps(dict(call.arguments))},
                }
                for call in turn.calls
            ]
        return [message]
    messages = [{"role": "tool", "tool_call_id": r.call.id, "content": r.text} for r in turn.results]
    return messages + ([{"role": "user", "content": turn.text}] if turn.text else [])


def _broken(error: Exception) -> ModelUnavailable:
    match error:
        case openai.APITimeoutError() | httpx2.TimeoutException():
            return ModelUnavailable(f"{VENDOR}: too slow", Failure.TIMEOUT)
        case openai.APIConnectionError() | httpx2.ConnectError():
            return ModelUnavailable(f"{VENDOR}: the connection failed", Failure.UNAVAILABLE)
        case httpx2.HTTPError():
            return ModelUnavailable(f"{VENDOR}: the answer broke off", Failure.CUT)
        case openai.APIError():
            return ModelUnavailable(f"{VENDOR}: an error in the answer", Failure.UNAVAILABLE)
        case _:
            return ModelUnavailable(f"{VENDOR}: {type(error).__name__}", Failure.GARBAGE)
