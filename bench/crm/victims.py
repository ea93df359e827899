"""Processes of the CRM that a bench starts, kills and starts again, and who their webhooks are posted to."""

import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
STOP_TIMEOUT_S: Final = 20.0


class Victim:
    """A process of ours, such as `salesos worker`, whose log says when it is up."""

    def __init__(self, name: str, settings: Mapping[str, str], folder: Path) -> None:
        self.name = name
        self._log_path = folder / f"{name}.log"
        kept = {key: value for key, value in os.environ.items() if not key.startswith("SALESOS_")}
        ours = {f"SALESOS_{key}": value for key, value in settings.items()}
        # It ends with the bench, and runs the bench's own code.
        self._environment = kept | ours | {"SALESOS_PARENT_PID": str(os.getpid()), "PYTHONPATH": str(ROOT)}
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0

    @property
    def up(self) -> bool:
        """Whether the newest start has come so far."""
        return self._log_path.read_bytes().count(f'"{self.name}.started"'.encode()) >= self._starts

    @property
    def ended(self) -> bool:
        """Whether it ended by itself."""
        return self._process is not None and self._process.poll() is not None

    def start(self) -> None:
        self._starts += 1
        with self._log_path.open("ab") as log:
            words = [sys.executable, "-m", "salesos", self.name]
            self._process = subprocess.Popen(  # noqa: S603 - our own words
                words, env=self._environment, cwd=self._folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def kill(self) -> None:
        """By SIGKILL. It may be up or still on its way."""
        assert self._process is not None, "it was started"
        self._process.kill()
        self._process.wait()
        # Of one that was killed on its way no word is expected.
        self._starts = self._log_path.read_bytes().count(f'"{self.name}.started"'.encode())

    def stop(self) -> None:
        """Politely; by force when that takes too long. Safe to repeat."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def last_words(self, chars: int = 2_000) -> str:
        return self._log_path.read_bytes()[-chars:].decode(errors="replace")


class Receiver:
    """What has been posted: how often each event, by its id."""

    def __init__(self) -> None:
        self.url = ""
        self.posted: Counter[str] = Counter()

    @classmethod
    @contextmanager
    def open(cls) -> Iterator["Receiver"]:
        """Listen on loopback in threads of its own: the bench blocks while it starts servers."""
        made = cls()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                made.posted[self.headers.get("webhook-id", "")] += 1
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            made.url = f"http://127.0.0.1:{server.server_port}/hook"
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            try:
                yield made
            finally:
                server.shutdown()
                thread.join()
