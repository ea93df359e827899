"""A way for a browser's sound that a test can cut: its datagrams to the call's node and back pass through here."""

import contextlib
import select
import socket
import threading
from collections.abc import Iterator
from typing import Final

from playwright.sync_api import Page

HOST: Final = "127.0.0.1"
POLL_S: Final = 0.2
DATAGRAM_BYTES_MAX: Final = 2_048

# Tells the page's next peer connection to reach the node by another port than its answer names.
_DETOUR: Final = """(port) => {
  const before = RTCPeerConnection.prototype.setRemoteDescription;
  window.straightOn = before;
  RTCPeerConnection.prototype.setRemoteDescription = function (answer) {
    const by = answer.sdp.replace(/(a=candidate:\\S+ 1 udp \\d+ )(\\S+) (\\d+)/gi, (_, begin, host, to) => {
      window.nodesPort = Number(to);
      return `${begin}127.0.0.1 ${port}`;
    });
    return before.call(this, { type: answer.type, sdp: by });
  };
}"""


class Relay:
    """Carries datagrams both ways; `down` off drops those to the browser, `up` off those to the node."""

    def __init__(self) -> None:
        self.up = self.down = True
        self.outer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.outer.bind((HOST, 0))
        self.inner = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.inner.bind((HOST, 0))
        self.node_port = 0
        self._ended = threading.Event()

    def detour(self, page: Page) -> None:
        page.evaluate(_DETOUR, self.outer.getsockname()[1])

    def leave(self, page: Page) -> None:
        """Let the page's next peer connection go straight to the node again."""
        page.evaluate("void (RTCPeerConnection.prototype.setRemoteDescription = window.straightOn)")

    def learn(self, page: Page) -> None:
        """Find out from the page where the node is, which its answer named."""
        self.node_port = int(page.evaluate("window.nodesPort ?? 0"))

    def run(self) -> None:
        browser = None
        while not self._ended.is_set():
            for ready in select.select([self.outer, self.inner], [], [], POLL_S)[0]:
                data, sender = ready.recvfrom(DATAGRAM_BYTES_MAX)
                if ready is self.outer:
                    browser = sender
                    if self.up and self.node_port:
                        self.inner.sendto(data, (HOST, self.node_port))
                elif self.down and browser is not None:
                    self.outer.sendto(data, browser)

    def end(self) -> None:
        self._ended.set()


@contextlib.contextmanager
def open_relay() -> Iterator[Relay]:
    relay = Relay()
    thread = threading.Thread(target=relay.run, name="relay")
    thread.start()
    try:
        yield relay
    finally:
        relay.end()
        thread.join()
        relay.outer.close()
        relay.inner.close()
