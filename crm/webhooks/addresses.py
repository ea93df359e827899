"""Which addresses webhooks may reach: public ones, and the networks that the operator names. Sans-I/O."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

Network = IPv4Network | IPv6Network

URL_CHARS_MAX: Final = 2_000
# Addresses that carry an IPv4 address at their end and are translated on the way (RFC 6052 §2.1).
_TRANSLATED: Final = IPv6Network("64:ff9b::/96")


class BadAddress(ValueError):
    """Says what is wrong with it."""


def may_reach(address: str, networks: Sequence[Network]) -> bool:
    """Whether a webhook may be posted to that IP address, in whatever form it is written."""
    found = _plain(ip_address(address.partition("%")[0]))
    if any(found in network for network in networks if network.version == found.version):
        return True
    return found.is_global and not (found.is_multicast or found.is_reserved or found.is_unspecified)


def check_url(url: str) -> None:
    """Make sure that it is an address of a web server, with nothing in it that does not belong there.

    The name's IP addresses are looked at when it is connected to: they may be others by then.

    Raises:
        BadAddress
    """
    if len(url) > URL_CHARS_MAX or any(sign.isspace() or not sign.isprintable() for sign in url) or not url.isascii():
        raise BadAddress(f"must be printable ASCII without blanks, {URL_CHARS_MAX} characters at most")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadAddress("is not an address") from None
    if parts.scheme not in ("https", "http") or not parts.hostname or port == 0:
        raise BadAddress("must begin with https:// or http:// and name a host")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise BadAddress("must have no user, password or fragment")


def read_networks(named: Sequence[str]) -> tuple[Network, ...]:
    """Raises ValueError."""
    return tuple(ip_network(name) for name in named)


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address within an IPv6 one that leads to it."""
    if isinstance(address, IPv6Address):
        if address in _TRANSLATED:
            return IPv4Address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1] or address
    return address
