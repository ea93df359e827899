"""Asks every process for its health, again and again, so that the supervisor never waits for an answer."""

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Final

STARTING_POLL_S: Final = 0.1
POLL_S: Final = 2.0
# Longer than the 3 s that a health check may take by itself.
ANSWER_TIMEOUT_S: Final = 4.0


class HealthWatch:
    """A thread that keeps the newest answer of each address."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        """`urls`: name to the address that answers 200 when ready."""
        self._urls = dict(urls)
        self._ready: dict[str, bool] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="health-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()

    def is_ready(self, name: str) -> bool:
        """The newest answer; False before the first."""
        return self._ready.get(name, False)

    def forget(self, name: str) -> None:
        """Its process has ended: what it answered counts no longer."""
        self._ready[name] = False

    def _watch(self) -> None:
        while not self._stopping.is_set():
            for name, url in self._urls.items():
                self._ready[name] = answers(url)
            all_ready = all(self._ready.get(name) for name in self._urls)
            self._stopping.wait(POLL_S if all_ready else STARTING_POLL_S)


def answers(url: str) -> bool:
    """Say whether a GET of `url` answers 200 in time."""
    # No proxy: these are our own processes.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=ANSWER_TIMEOUT_S) as response:
            return int(response.status) == 200
    except (urllib.error.URLError, OSError, ValueError):
        return False


def wait_until(url: str, timeout_s: float) -> bool:
    """Wait for `url` to answer 200; False when it did not within `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not answers(url):
        if time.monotonic() > deadline:
            return False
        time.sleep(STARTING_POLL_S)
    return True
