"""Anthropic's messages on the wire: named events, content in blocks, tool arguments as pieces of JSON. Sans-I/O."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from bench.providers.chat_dialect import arguments_text, event
from bench.providers.chat_script import Answer, Call, Finish

_FINISH: Final = {Finish.STOP: "end_turn", Finish.LENGTH: "max_tokens", Finish.FILTERED: "refusal"}
_ERRORS: Final = {
    400: ("invalid_request_error", "max_tokens: must be positive"),
    401: ("authentication_error", "invalid x-api-key"),
    404: ("not_found_error", "model: unknown"),
    429: ("rate_limit_error", "This request would exceed your rate limit."),
    500: ("api_error", "Internal server error"),
    529: ("overloaded_error", "Overloaded"),
}


class AnthropicMessages:
    default_path: Final = ""

    def key_of(self, headers: Mapping[str, str]) -> str:
        # The SDKs show it as a bearer since the API's version 2026-10-21; before, in a header of its own.
        return headers.get("x-api-key", "") or headers.get("authorization", "").removeprefix("Bearer ")

    def is_generation(self, method: str, path: str) -> bool:
        return method == "POST" and path.split("?")[0].endswith("/v1/messages")

    def refuses(self, body: Mapping[str, Any]) -> bool:
        return any(name in body for name in ("temperature", "top_p", "top_k")) or not body.get("max_tokens")

    def opening(self, answer: Answer, model: str) -> Iterable[bytes]:
        message: Mapping[str, Any] = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": answer.prompt_tokens, "output_tokens": 1},
        }
        yield event({"type": "message_start", "message": message}, "message_start")
        yield event({"type": "ping"}, "ping")

    def piece(self, text: str, index: int) -> Iterable[bytes]:
        if index == 0:
            block = {"type": "text", "text": ""}
            yield event({"type": "content_block_start", "index": 0, "content_block": block}, "content_block_start")
        delta = {"type": "text_delta", "text": text}
        yield event({"type": "content_block_delta", "index": 0, "delta": delta}, "content_block_delta")

    def calls(self, calls: tuple[Call, ...], answer: Answer) -> Iterable[bytes]:
        first = 0
        if answer.pieces:
            yield _stop(0)
            first = 1
        for index, call in enumerate(calls, first):
            block = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
            yield event({"type": "content_block_start", "index": index, "content_block": block}, "content_block_start")
            text = arguments_text(call)
            for part in ("", text[: len(text) // 2], text[len(text) // 2 :]):
                delta = {"type": "input_json_delta", "partial_json": part}
                yield event({"type": "content_block_delta", "index": index, "delta": delta}, "content_block_delta")
            yield _stop(index)

    def closing(self, answer: Answer) -> Iterable[bytes]:
        if answer.pieces and not answer.calls:
            yield _stop(0)
        called = bool(answer.calls) and answer.finish is Finish.STOP
        delta = {"stop_reason": "tool_use" if called else _FINISH[answer.finish], "stop_sequence": None}
        usage = {"output_tokens": answer.completion_tokens}
        yield event({"type": "message_delta", "delta": delta, "usage": usage}, "message_delta")
        yield event({"type": "message_stop"}, "message_stop")

    def error_event(self) -> bytes:
        return event(self.error_body(529, None), "error")

    def error_body(self, status: int, retry_after_s: int | None) -> Mapping[str, Any]:
        del retry_after_s
        kind, message = _ERRORS.get(status, ("api_error", "Something went wrong."))
        return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}

    def models(self) -> Mapping[str, Any]:
        model = {"type": "model", "id": "claude-test", "display_name": "Claude", "created_at": "2025-01-01T00:00:00Z"}
        return {"data": [model], "has_more": False, "first_id": "claude-test", "last_id": "claude-test"}


def _stop(index: int) -> bytes:
    return event({"type": "content_block_stop", "index": index}, "content_block_stop")
