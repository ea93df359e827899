"""OpenAI's chat completions on the wire: chunks as `data:` lines, `[DONE]` at the end. Sans-I/O."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from bench.providers.chat_dialect import arguments_text, event
from bench.providers.chat_script import Answer, Call, Finish

_FINISH: Final = {Finish.STOP: "stop", Finish.LENGTH: "length", Finish.FILTERED: "content_filter"}
_ERRORS: Final = {
    400: ("invalid_request_error", "invalid_value", "Invalid value."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    404: ("invalid_request_error", "model_not_found", "The model does not exist or you do not have access to it."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached for requests."),
    500: ("server_error", None, "The server had an error while processing your request."),
    503: ("server_error", None, "The engine is currently overloaded."),
}


class OpenAIChat:
    default_path: Final = "/v1"

    def key_of(self, headers: Mapping[str, str]) -> str:
        return headers.get("authorization", "").removeprefix("Bearer ")

    def is_generation(self, method: str, path: str) -> bool:
        return method == "POST" and path.endswith("/chat/completions")

    def refuses(self, body: Mapping[str, Any]) -> bool:
        return not body.get("messages")

    def opening(self, answer: Answer, model: str) -> Iterable[bytes]:
        del answer, model
        yield _chunk({"role": "assistant", "content": ""})

    def piece(self, text: str, index: int) -> Iterable[bytes]:
        del index
        yield _chunk({"content": text})

    def calls(self, calls: tuple[Call, ...], answer: Answer) -> Iterable[bytes]:
        del answer
        for index, call in enumerate(calls):
            function = {"name": call.name, "arguments": ""}
            yield _chunk({"tool_calls": [{"index": index, "id": call.id, "type": "function", "function": function}]})
            # In two parts: arguments come in pieces that break anywhere.
            text = arguments_text(call)
            for part in (text[: len(text) // 2], text[len(text) // 2 :]):
                yield _chunk({"tool_calls": [{"index": index, "function": {"arguments": part}}]})

    def closing(self, answer: Answer) -> Iterable[bytes]:
        called = bool(answer.calls) and answer.finish is Finish.STOP
        yield _chunk({}, finish="tool_calls" if called else _FINISH[answer.finish])
        usage = {
            "prompt_tokens": answer.prompt_tokens,
            "completion_tokens": answer.completion_tokens,
            "total_tokens": answer.prompt_tokens + answer.completion_tokens,
        }
        yield event(_frame([], usage))
        yield b"data: [DONE]\n\n"

    def error_event(self) -> bytes:
        return event(self.error_body(500, None))

    def error_body(self, status: int, retry_after_s: int | None) -> Mapping[str, Any]:
        del retry_after_s
        kind, code, message = _ERRORS.get(status, ("server_error", None, "Something went wrong."))
        return {"error": {"message": message, "type": kind, "param": None, "code": code}}

    def models(self) -> Mapping[str, Any]:
        model = {"id": "gpt-test", "object": "model", "created": 1_700_000_000, "owned_by": "system"}
        return {"object": "list", "data": [model]}


def _chunk(delta: Mapping[str, Any], finish: str | None = None) -> bytes:
    return event(_frame([{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}], None))


def _frame(choices: list[Mapping[str, Any]], usage: Mapping[str, int] | None) -> Mapping[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "gpt-test",
        "choices": choices,
        "usage": usage,
    }
