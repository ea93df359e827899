"""The operator's STUN and TURN servers, as pages get them."""

import base64
import hashlib
import hmac

import pytest

from telephony.softphone.ice_servers import LIFETIME_S, BadIceServers, for_person, read_ice_servers

NOW = 1_800_000_000


def test_each_kind_as_a_page_gets_it() -> None:
    servers = read_ice_servers(
        '[{"urls": "stun:s.example:3478"}, {"urls": "turn:t.example", "username": "u", "credential": "c"},'
        ' {"urls": "turns:t.example:443", "secret": "shared"}]'
    )
    stun, fixed, timed = for_person(servers, "rep:1", NOW)
    assert stun == {"urls": "stun:s.example:3478"}
    assert fixed == {"urls": "turn:t.example", "username": "u", "credential": "c"}
    assert timed["username"] == f"{NOW + LIFETIME_S}:rep:1"
    wanted = hmac.new(b"shared", timed["username"].encode(), hashlib.sha1).digest()
    assert base64.b64decode(timed["credential"]) == wanted
    assert "shared" not in str(timed)
    assert read_ice_servers(" ") == ()


@pytest.mark.parametrize(
    "text",
    [
        "garbage",
        "{}",
        '[{"url": "stun:x"}]',
        '[{"urls": "https://x"}]',
        '[{"urls": "turn:x"}]',
        '[{"urls": "turn:x", "username": "u"}]',
        "[" + ",".join(['{"urls": "stun:x"}'] * 9) + "]",
    ],
)
def test_what_cannot_be_used_says_what_can(text: str) -> None:
    with pytest.raises(BadIceServers, match=r"must|needs"):
        read_ice_servers(text)
