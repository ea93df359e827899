"""Google's Gemini, through its SDK."""

import ssl
from collections.abc import AsyncGenerator, Iterator
from typing import Any, Final

import httpx2
from google import genai
from google.genai import errors, types
from google.genai.client import AsyncClient

from agent.llm.answer import Answer
from agent.llm.faults import RETRY_AFTER_MAX_S, refusal
from agent.llm.links import READ_TIMEOUT_S, Access, warm
from agent.llm.port import Delta, Failure, FinishReason, ModelUnavailable, Request, ToolCall, Usage
from agent.llm.rendering import Turn, system_text, turns

VENDOR: Final = "gemini"
_UNSIGNED: Final = b"skip_thought_signature_validator"  # the vendor's own word for calls that are not its models'
BASE_URL: Final = "https://generativelanguage.googleapis.com"
_FINISH: Final = {
    types.FinishReason.STOP: FinishReason.STOP,
    types.FinishReason.MAX_TOKENS: FinishReason.LENGTH,
    types.FinishReason.SAFETY: FinishReason.FILTERED,
    types.FinishReason.RECITATION: FinishReason.FILTERED,
    types.FinishReason.BLOCKLIST: FinishReason.FILTERED,
    types.FinishReason.PROHIBITED_CONTENT: FinishReason.FILTERED,
    types.FinishReason.SPII: FinishReason.FILTERED,
}


class GeminiModel:
    """Implements `agent.llm.port.Model`; keeps nothing between answers, so one may serve many calls."""

    def __init__(self, access: Access, model: str, links: httpx2.AsyncClient) -> None:
        self._key = access.key
        self._url = access.base_url or BASE_URL
        self._model = model
        self._links = links

    async def warm(self) -> bool:
        return await warm(self._links, self._url)

    async def check(self) -> None:
        """Ask for the list of models, which costs nothing. Raises ModelUnavailable."""
        tap = _Tap(self._links)
        try:
            await self._client(tap).models.list(config=types.ListModelsConfig(page_size=1))
        except errors.APIError as error:
            raise _refused(error) from None
        except (httpx2.HTTPError, ValueError) as error:
            raise _broken(error, tap) from None

    async def reply(self, request: Request) -> AsyncGenerator[Delta, None]:
        answer = Answer(VENDOR)
        tap = _Tap(self._links)
        asking = self._client(tap).models.generate_content_stream(**self._parameters(request))
        try:
            async for chunk in await asking:
                for delta in _deltas(chunk, answer):
                    yield delta
        except errors.APIError as error:
            raise _refused(error) from None
        # The SDK leaves what its parser trips over as it is: bad UTF-8, bad JSON and bad fields are ValueErrors.
        except (httpx2.HTTPError, ValueError, TypeError, AttributeError) as error:
            raise _broken(error, tap) from None
        finally:
            await tap.hang_up()
        for delta in answer.close():
            yield delta

    def _client(self, tap: "_Tap") -> AsyncClient:
        options = types.HttpOptions(
            base_url=self._url,
            timeout=int(READ_TIMEOUT_S * 1000),
            # Given both, the SDK neither loads certificates for clients of its own nor takes aiohttp, where it
            # answers a failed connection by sleeping for up to ten seconds and keeps an abandoned answer running.
            httpx_async_client=tap,
            httpx_client=_NO_BLOCKING_REQUESTS,
            # For the sockets of its live interface, unused here: loading certificates for them takes 25 ms a client.
            async_client_args={"ssl": _NO_SOCKETS},
        )
        return genai.Client(api_key=self._key, http_options=options).aio

    def _parameters(self, request: Request) -> dict[str, Any]:
        contents = [_content(turn) for turn in turns(request)]
        config = types.GenerateContentConfig(
            system_instruction=system_text(request) or None,
            temperature=request.temperature,
            max_output_tokens=request.max_tokens,
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
            tools=_tools(request),
            tool_config=_tool_config(request),
        )
        return {"model": self._model, "contents": contents, "config": config}


class _Tap(httpx2.AsyncClient):
    """Sends one request through the shared pool, and can hang up on the answer.

    The SDK's generators do not close each other: an answer that is abandoned between two pieces would go on, and be
    paid for, until the garbage collector came by.
    """

    def __init__(self, links: httpx2.AsyncClient) -> None:
        super().__init__(transport=httpx2.MockTransport(_refuse))
        self._links = links
        self._response: httpx2.Response | None = None

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        self._response = await self._links.send(request, **options)
        return self._response

    @property
    def status(self) -> int:
        """Of the answer; 0 while there is none."""
        return self._response.status_code if self._response is not None else 0

    async def hang_up(self) -> None:
        if self._response is not None:
            await self._response.aclose()


def _refuse(_request: httpx2.Request) -> httpx2.Response:
    raise AssertionError("requests go through the shared pool")


_NO_SOCKETS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts no certificate at all
_NO_BLOCKING_REQUESTS: Final = httpx2.Client(transport=httpx2.MockTransport(_refuse))


def _deltas(chunk: types.GenerateContentResponse, answer: Answer) -> Iterator[Delta]:
    count = chunk.usage_metadata
    if count is not None and count.prompt_token_count is not None:
        # Thoughts are not heard, but paid for.
        yield Usage(count.prompt_token_count, (count.candidates_token_count or 0) + (count.thoughts_token_count or 0))
    for candidate in (chunk.candidates or ())[:1]:
        for part in (candidate.content.parts if candidate.content else None) or ():
            if part.text and not part.thought:
                yield answer.text(part.text)
            if part.function_call is not None:
                answer.whole_call(_call(part.function_call, part.thought_signature or b""))
        if candidate.finish_reason:
            answer.finish(_FINISH.get(candidate.finish_reason, FinishReason.STOP))
    if chunk.prompt_feedback is not None and chunk.prompt_feedback.block_reason:
        answer.finish(FinishReason.FILTERED)


def _tool_config(request: Request) -> types.ToolConfig | None:
    if not request.must_call:
        return None
    calling = types.FunctionCallingConfig(
        mode=types.FunctionCallingConfigMode.ANY, allowed_function_names=[request.must_call]
    )
    return types.ToolConfig(function_calling_config=calling)


def _tools(request: Request) -> list[Any] | None:
    if not request.tools:
        return None
    declared = [
        types.FunctionDeclaration(name=t.name, description=t.description, parameters_json_schema=dict(t.parameters))
        for t in request.tools
    ]
    return [types.Tool(function_declarations=declared)]


def _content(turn: Turn) -> types.Content:
    parts = [types.Part(text=turn.text)] if turn.text else []
    if turn.by_agent:
        calls = [_call_part(call, first=not index) for index, call in enumerate(turn.calls)]
        return types.Content(role="model", parts=parts + calls)
    results = [types.Part.from_function_response(name=r.call.name, response={"result": r.text}) for r in turn.results]
    return types.Content(role="user", parts=results + parts)


def _call_part(call: ToolCall, *, first: bool) -> types.Part:
    part = types.Part.from_function_call(name=call.name, args=dict(call.arguments))
    # Models from the third generation on refuse a first call that is not signed; another vendor's never is.
    part.thought_signature = call.signature or (_UNSIGNED if first else None)
    return part


def _call(call: types.FunctionCall, signature: bytes) -> ToolCall:
    if not call.name:
        raise ModelUnavailable(f"{VENDOR}: a tool call that cannot be read", Failure.GARBAGE)
    return ToolCall(call.id or "", call.name, dict(call.args or {}), signature)


def _refused(error: errors.APIError) -> ModelUnavailable:
    """The vendor tells a bad key by a detail of the body, and how long to wait as well."""
    details = _details(error.details)
    status = 401 if any(d.get("reason") == "API_KEY_INVALID" for d in details) else error.code
    refused = refusal(VENDOR, status if isinstance(status, int) else 500, {})
    for detail in details:
        delay = str(detail.get("retryDelay", ""))
        if delay.endswith("s") and delay[:-1].replace(".", "", 1).isdigit():
            refused.retry_after_s = min(float(delay[:-1]), RETRY_AFTER_MAX_S)
    return refused


def _details(body: Any) -> list[dict[str, Any]]:
    error = body.get("error", body) if isinstance(body, dict) else {}
    details = error.get("details") if isinstance(error, dict) else None
    return [detail for detail in details or () if isinstance(detail, dict)]


def _broken(error: Exception, tap: _Tap) -> ModelUnavailable:
    if tap.status >= 400:
        return refusal(VENDOR, tap.status, {})  # its body could not be read, but the status could
    match error:
        case httpx2.ConnectError() | httpx2.ConnectTimeout():
            return ModelUnavailable(f"{VENDOR}: the connection failed", Failure.UNAVAILABLE)
        case httpx2.TimeoutException():
            return ModelUnavailable(f"{VENDOR}: too slow", Failure.TIMEOUT)
        case httpx2.HTTPError():
            return ModelUnavailable(f"{VENDOR}: the answer broke off", Failure.CUT)
        case _:
            return ModelUnavailable(f"{VENDOR}: {type(error).__name__}", Failure.GARBAGE)
