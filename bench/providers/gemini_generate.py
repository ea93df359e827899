"""Gemini's streamGenerateContent on the wire: whole responses as `data:` lines that end in CRLF. Sans-I/O."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from bench.providers.chat_dialect import event
from bench.providers.chat_script import Answer, Call, Finish

_FINISH: Final = {Finish.STOP: "STOP", Finish.LENGTH: "MAX_TOKENS", Finish.FILTERED: "SAFETY"}
_STATUS: Final = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
_END: Final = "\r\n"


class GeminiGenerate:
    default_path: Final = ""

    def key_of(self, headers: Mapping[str, str]) -> str:
        return headers.get("x-goog-api-key", "")

    def is_generation(self, method: str, path: str) -> bool:
        return method == "POST" and ":streamGenerateContent" in path

    def refuses(self, body: Mapping[str, Any]) -> bool:
        return not body.get("contents")

    def opening(self, answer: Answer, model: str) -> Iterable[bytes]:
        del answer, model
        return ()

    def piece(self, text: str, index: int) -> Iterable[bytes]:
        del index
        yield _response([{"text": text}])

    def calls(self, calls: tuple[Call, ...], answer: Answer) -> Iterable[bytes]:
        del answer
        for call in calls:
            arguments = call.arguments
            if isinstance(arguments, str):
                # A response whose JSON breaks off inside the arguments.
                broken = f'{{"candidates": [{{"content": {{"parts": [{{"functionCall": {arguments}'
                yield f"data: {broken}{_END}{_END}".encode()
            else:
                yield _response([{"functionCall": {"name": call.name, "args": dict(arguments)}}])

    def closing(self, answer: Answer) -> Iterable[bytes]:
        usage = {
            "promptTokenCount": answer.prompt_tokens,
            "candidatesTokenCount": answer.completion_tokens,
            "totalTokenCount": answer.prompt_tokens + answer.completion_tokens,
        }
        yield _response([{"text": ""}], _FINISH[answer.finish], usage)

    def error_event(self) -> bytes:
        return event(self.error_body(503, None), end=_END)

    def error_body(self, status: int, retry_after_s: int | None) -> Mapping[str, Any]:
        details: list[Mapping[str, Any]] = []
        message = "Something went wrong."
        if status == 401:
            # A wrong key is a bad argument to this vendor; the reason alone tells.
            status, message = 400, "API key not valid. Please pass a valid API key."
            details.append({"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"})
        if retry_after_s is not None:
            details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{retry_after_s}s"})
        code = _STATUS.get(status, "UNKNOWN")
        return {"error": {"code": status, "message": message, "status": code, "details": details}}

    def models(self) -> Mapping[str, Any]:
        return {"models": [{"name": "models/gemini-test", "displayName": "Gemini"}]}


def _response(
    parts: list[Mapping[str, Any]], finish: str | None = None, usage: Mapping[str, int] | None = None
) -> bytes:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if finish is not None:
        candidate["finishReason"] = finish
    body: dict[str, Any] = {"candidates": [candidate], "modelVersion": "gemini-test", "responseId": "r1"}
    if usage is not None:
        body["usageMetadata"] = usage
    return f"data: {json.dumps(body)}{_END}{_END}".encode()
