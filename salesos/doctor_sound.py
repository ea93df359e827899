"""Whether browsers could talk in live calls as things are set: the UDP port, the addresses, the ICE servers."""

import socket
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from config.settings import LOOPBACK_HOSTS, Settings
from salesos.finding import Finding
from telephony.people.opening import own_addresses
from telephony.softphone.ice_servers import BadIceServers, read_ice_servers

NAME: Final = "browsers' sound"


def check_sound(settings: Settings) -> Iterator[Finding]:
    """Look at the settings alone, and whether the port is free; what lies between node and browsers is not seen."""
    try:
        servers = read_ice_servers(settings.ice_servers.get_secret_value())
    except BadIceServers as error:
        yield Finding.fault(NAME, f"SALESOS_ICE_SERVERS {error}", "see docs/guides/people-on-calls.md")
        return
    if settings.relay_only and not any(server.urls.startswith("turn") for server in servers):
        yield Finding.fault(NAME, "SALESOS_RELAY_ONLY without a TURN server", "name one in SALESOS_ICE_SERVERS")
        return
    port, near = settings.people_udp_port, settings.host in LOOPBACK_HOSTS
    addresses = settings.people_addresses or own_addresses("127.0.0.1" if near else settings.host)
    if port and not _is_free(settings.host, port):
        # A running node holds it, and that is as it should be.
        yield Finding.hint(NAME, f"UDP port {port} is in use", "by a running node? Else set SALESOS_PEOPLE_UDP_PORT")
    if _is_near(settings):
        yield Finding.ok(NAME, f"UDP at {', '.join(addresses)}, for browsers on this machine")
    elif near and not settings.people_addresses:
        yield Finding.hint(NAME, "on loopback, where browsers elsewhere do not come", "set SALESOS_HOST")
    elif not settings.people_addresses and all(ip_address(address).is_private for address in addresses):
        remedy = "set SALESOS_PEOPLE_ADDRESSES to those that browsers reach"
        yield Finding.hint(NAME, f"told to browsers: {', '.join(addresses)}, private addresses", remedy)
    elif not port:
        yield Finding.hint(NAME, "on any free UDP port", "set SALESOS_PEOPLE_UDP_PORT, and open it in the firewall")
    else:
        yield Finding.ok(NAME, f"UDP {port} at {', '.join(addresses)}")


def _is_near(settings: Settings) -> bool:
    """Whether people reach the pages on this machine only."""
    return urlsplit(settings.site_address).hostname in LOOPBACK_HOSTS


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
