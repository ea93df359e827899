"""The STUN and TURN servers that pages are told to use, from the operator's setting. Sans-I/O.

The node itself needs none: it is reached at its own addresses. They are for browsers whose network lets no UDP out,
or not to us: these reach the node by a TURN relay.
"""

import base64
import hashlib
import hmac
from typing import Any, Final

import msgspec

SERVERS_MAX: Final = 8
# Longer than a call may last: a relay outlives what it was allocated with only as long as that is renewed.
LIFETIME_S: Final = 5 * 3600
_SCHEMES: Final = ("stun:", "stuns:", "turn:", "turns:")


class IceServer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As RTCPeerConnection takes it; with `secret`, credentials are made for each person (coturn: use-auth-secret)."""

    urls: str
    username: str = ""
    credential: str = ""
    secret: str = ""


class BadIceServers(ValueError):
    """The setting cannot be used; the message says what would do, never a secret."""


def read_ice_servers(text: str) -> tuple[IceServer, ...]:
    """Return what the setting lists; empty: none. Raises BadIceServers."""
    if not text.strip():
        return ()
    try:
        servers = msgspec.json.decode(text, type=tuple[IceServer, ...])
    except msgspec.MsgspecError:
        raise BadIceServers(
            'must be a JSON list such as [{"urls": "turn:turn.example.com:3478", "secret": "…"}], with urls and, for'
            " TURN, secret or username and credential"
        ) from None
    if len(servers) > SERVERS_MAX:
        raise BadIceServers(f"must name {SERVERS_MAX} servers at most")
    for server in servers:
        if not server.urls.startswith(_SCHEMES):
            raise BadIceServers("each urls must begin with stun:, stuns:, turn: or turns:")
        if server.urls.startswith("turn") and not (server.secret or (server.username and server.credential)):
            raise BadIceServers("a turn: server needs secret, or username and credential")
    return servers


def for_person(servers: tuple[IceServer, ...], person: str, now_s: float) -> tuple[dict[str, Any], ...]:
    """Return what a person's page gives to RTCPeerConnection. `now_s`: Unix time."""
    return tuple(_shown(server, person, now_s) for server in servers)


def _shown(server: IceServer, person: str, now_s: float) -> dict[str, Any]:
    if not server.urls.startswith("turn"):
        return {"urls": server.urls}
    if not server.secret:
        return {"urls": server.urls, "username": server.username, "credential": server.credential}
    # The relay's own way for credentials that expire: the name says when, the other is its HMAC under a shared secret.
    name = f"{int(now_s) + LIFETIME_S}:{person}"
    digest = hmac.new(server.secret.encode(), name.encode(), hashlib.sha1).digest()
    return {"urls": server.urls, "username": name, "credential": base64.b64encode(digest).decode()}
