"""A small real server in the CRM's place, for the operator's commands."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest


class SmallCrm:
    def __init__(self) -> None:
        # By method: a status, and what the answer's `data` is, or the members of a problem. A list of them: in turn.
        self.answers: dict[str, tuple[int, Any] | list[tuple[int, Any]]] = {}
        self.asked: list[str] = []
        self.authorizations: list[str] = []
        self.bodies: list[Any] = []
        self.url = ""


@pytest.fixture
def small_crm() -> Iterator[SmallCrm]:
    crm = SmallCrm()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            crm.asked.append(f"{self.command} {self.path}")
            crm.authorizations.append(self.headers.get("authorization", ""))
            length = int(self.headers.get("content-length", 0))
            if length:
                crm.bodies.append(json.loads(self.rfile.read(length)))
            prepared = crm.answers[self.command]
            status, told = prepared.pop(0) if isinstance(prepared, list) else prepared
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps({"data": told} if status < 400 else told).encode())

        do_GET = do_POST = do_DELETE = answer

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        crm.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield crm
        server.shutdown()
        thread.join()
