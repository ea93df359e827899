"""One signed posting to an address that a customer chose, so that it reaches nothing of ours.

The name is looked up here, its addresses are checked here, and the connection is made to the very address that was
checked: a name that answers otherwise a moment later (rebinding) gains nothing. Redirects are not followed, and
proxies of the environment are not used.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import httpcore
from standardwebhooks import Webhook as Signer

from crm.webhooks.addresses import Network, may_reach

TIMEOUT_S: Final = 15.0  # for all of it
CONNECT_S: Final = 5.0
TIMEOUTS: Final = {"connect": CONNECT_S, "read": TIMEOUT_S, "write": TIMEOUT_S, "pool": TIMEOUT_S}


class AddressRefused(Exception):
    """The name leads to an address that webhooks may not reach."""


Lookup = Callable[[str, int], Awaitable[Sequence[str]]]


async def look_up(host: str, port: int) -> Sequence[str]:
    """Return the name's IP addresses. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class _GuardedNetwork(httpcore.AsyncNetworkBackend):
    def __init__(self, networks: Sequence[Network], look: Lookup) -> None:
        self._networks = networks
        self._look = look
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own name
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        async with asyncio.timeout(CONNECT_S):
            found = await self._look(host, port)
        # All of them: which one is taken must not be for a name server to choose.
        if not found or not all(may_reach(address, self._networks) for address in found):
            raise AddressRefused
        return await self._inner.connect_tcp(found[0], port, timeout, local_address, socket_options)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise AddressRefused

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int | None  # None: there was none
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Sender:
    networks: tuple[Network, ...] = ()  # private ones that may be reached
    look: Lookup = look_up
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)

    async def post(self, url: str, secret: str, message_id: str, body: str, now: datetime) -> Answer:
        """Post it, signed as Standard Webhooks say; of the answer only the status is read."""
        headers = [
            ("Content-Type", "application/json"),
            ("User-Agent", "salesos-webhooks"),
            ("webhook-id", message_id),
            ("webhook-timestamp", str(int(now.timestamp()))),
            ("webhook-signature", Signer(secret).sign(message_id, now, body)),
        ]
        network = _GuardedNetwork(self.networks, self.look)
        request: dict[str, Any] = {"headers": headers, "content": body.encode(), "extensions": {"timeout": TIMEOUTS}}
        try:
            async with (
                asyncio.timeout(TIMEOUT_S),
                httpcore.AsyncConnectionPool(ssl_context=self.tls, network_backend=network) as pool,
                pool.stream("POST", url, **request) as got,
            ):
                status = int(got.status)
        except AddressRefused:
            return Answer(None, "address_refused")
        except TimeoutError:
            return Answer(None, "timeout")
        except (OSError, httpcore.TimeoutException) as error:
            return Answer(None, "timeout" if isinstance(error, httpcore.TimeoutException) else "unreachable")
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol, ValueError) as error:
            return Answer(None, f"unreachable: {type(error).__name__}")
        return Answer(status, "" if 200 <= status < 300 else f"status_{status}")
