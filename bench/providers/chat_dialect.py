"""What differs between the wire formats of chat providers: the port that each vendor's file implements. Sans-I/O.

A dialect makes bytes of Server-Sent Events and of error bodies; the socket, the waiting and the faults are
`bench.providers.chat_server`'s. Written from the vendors' public references, apart from the product's providers.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from bench.providers.chat_script import Answer, Call


class Dialect(Protocol):
    @property
    def default_path(self) -> str:
        """What a client's base URL has behind the host."""
        ...

    def key_of(self, headers: Mapping[str, str]) -> str:
        """Return the key that the client shows; empty when it shows none."""
        ...

    def is_generation(self, method: str, path: str) -> bool:
        """True for a request for an answer; the rest are questions about models."""
        ...

    def refuses(self, body: Mapping[str, Any]) -> bool:
        """True for a request for an answer that the vendor would refuse for what is in it."""
        ...

    def opening(self, answer: Answer, model: str) -> Iterable[bytes]:
        """Events that go out before the first piece, at once with it."""
        ...

    def piece(self, text: str, index: int) -> Iterable[bytes]: ...

    def calls(self, calls: tuple[Call, ...], answer: Answer) -> Iterable[bytes]: ...

    def closing(self, answer: Answer) -> Iterable[bytes]: ...

    def error_event(self) -> bytes: ...

    def error_body(self, status: int, retry_after_s: int | None) -> Mapping[str, Any]: ...

    def models(self) -> Mapping[str, Any]:
        """The list of models, which also tells whether a key is good."""
        ...


def event(data: Mapping[str, Any], name: str = "", end: str = "\n") -> bytes:
    """Return one Server-Sent Event."""
    head = f"event: {name}{end}" if name else ""
    return f"{head}data: {json.dumps(data)}{end}{end}".encode()


def arguments_text(call: Call) -> str:
    return call.arguments if isinstance(call.arguments, str) else json.dumps(dict(call.arguments))
