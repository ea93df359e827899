"""Which addresses may be reached."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.webhooks.addresses import BadAddress, check_url, may_reach, read_networks

INSIDE = (
    "127.0.0.1", "127.8.9.1", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",  # noqa: S104 - nothing binds to them
    "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1",
    "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::",
    "2002:a9fe:a9fe::", "2001:0:4136:e378:8000:63bf:3fff:fdd2",
)  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_what_is_not_public_is_refused(address: str) -> None:
    assert not may_reach(address, ())


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34"])
def test_what_is_public_is_reached(address: str) -> None:
    assert may_reach(address, ())


def test_the_operator_opens_networks() -> None:
    networks = read_networks(["10.1.0.0/16"])
    assert may_reach("10.1.2.3", networks)
    assert may_reach("::ffff:10.1.2.3", networks)
    assert not may_reach("10.2.0.1", networks)
    with pytest.raises(ValueError, match="host bits"):
        read_networks(["10.1.2.3/16"])


@pytest.mark.parametrize("url", ["https://hooks.example.com/in?x=1", "http://hooks.example.com:8080/"])
def test_addresses_of_web_servers_are_taken(url: str) -> None:
    check_url(url)


@pytest.mark.parametrize(
    "url",
    ["", "ftp://x.example", "https://", "https://a:b@x.example", "https://x.example/#a", "https://x.example:0/",
     "https://x.example:99999/", "https://x.example/ y", "https://x.example/\n", "file:///etc/passwd", "https://[::1",
     "https://é.example"],
)  # fmt: skip
def test_others_are_not(url: str) -> None:
    with pytest.raises(BadAddress):
        check_url(url)


@given(st.text(max_size=60) | st.text(max_size=40).map("https://".__add__))
def test_any_text_is_an_address_or_one_error(url: str) -> None:
    try:
        check_url(url)
    except BadAddress:
        return
    assert url.startswith(("http://", "https://", "HTTP", "Http", "hTTP")) or url.lower().startswith("http")
