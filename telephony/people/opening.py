"""What a voice process opens for people: the UDP port of their sound, its certificate, and the door to its calls."""

import contextlib
from collections.abc import AsyncGenerator, Callable
from ipaddress import ip_address
from typing import Final
from uuid import UUID

import ifaddr
import redis.asyncio as redis
from aiortc import RTCCertificate

from config.settings import LOOPBACK_HOSTS, BadSettings, Settings
from telephony.people.commands import VERBS
from telephony.people.figures import PeopleFigures
from telephony.people.presence import LiveCall, Presences
from telephony.people.socket import Door
from telephony.queues.hall import Hall
from telephony.softphone.ice_servers import BadIceServers, read_ice_servers
from telephony.softphone.leg import Exchange
from telephony.softphone.udp_port import open_udp_port

LOOPBACK: Final = "127.0.0.1"


@contextlib.asynccontextmanager
async def opened_door(
    settings: Settings,
    store: redis.Redis,
    find: Callable[[UUID], LiveCall | None],
    figures: PeopleFigures,
    hall: Hall | None = None,
) -> AsyncGenerator[Door]:
    """Have the port open and people let in for as long as the body lasts.

    Raises:
        BadSettings: the ICE servers cannot be used.
        OSError: the port is taken.
    """
    try:
        servers = read_ice_servers(settings.ice_servers.get_secret_value())
    except BadIceServers as error:
        raise BadSettings([f"SALESOS_ICE_SERVERS: {error}"]) from None
    if settings.relay_only and not any(server.urls.startswith("turn") for server in servers):
        raise BadSettings(["SALESOS_RELAY_ONLY: needs a turn: server in SALESOS_ICE_SERVERS"])
    host = LOOPBACK if settings.host in LOOPBACK_HOSTS else settings.host
    port = await open_udp_port(host, settings.people_udp_port, figures)
    try:
        addresses = settings.people_addresses or own_addresses(host)
        yield Door(
            key=settings.secret_key.get_secret_value(),
            redis=store,
            find=find,
            presences=Presences(),
            exchange=Exchange(port, RTCCertificate.generateCertificate(), addresses),
            verbs=VERBS,
            origins=settings.page_origins,
            ice_servers=servers,
            relay_only=settings.relay_only,
            figures=figures,
            hall=hall,
        )
    finally:
        port.close()


def own_addresses(host: str) -> tuple[str, ...]:
    """Return the addresses that a port bound to `host` has: all of the machine's for one that means all."""
    if not ip_address(host).is_unspecified:
        return (host,)
    version = ip_address(host).version
    found = [str(ip.ip) for adapter in ifaddr.get_adapters() for ip in adapter.ips if ip.is_IPv4 == (version == 4)]
    return tuple(name for name in found if not ip_address(name).is_loopback) or (LOOPBACK,)
