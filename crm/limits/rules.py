"""How many requests of whom are served in which time (S4, W7). Sans-I/O.

A limit counts in fixed windows, aligned to the clock: all processes agree on them without asking one another, and a
window's end is known before anything is counted. Written as "500/hour;100/minute": both hold.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final

from limits import RateLimitItem, parse_many

Network = IPv4Network | IPv6Network

# What has limits of its own, by how its paths begin; each is counted for every key or person by itself.
GROUPS: Final[Mapping[str, str]] = {
    "/api/leads": "leads",
    "/api/conversations": "conversations",
    "/api/chat": "models",
}


@dataclass(frozen=True, slots=True)
class Rules:
    public: str = "100/minute"  # of one address, without signing in or in vain
    organisation: str = "6000/minute"  # of all people of an organisation
    keys: str = "3000/minute"  # of all API keys of an organisation
    key: str = "1000/minute"  # of one API key
    leads: str = "500/hour;100/minute"
    conversations: str = "300/hour;50/minute"
    models: str = "1000/hour;200/minute"


@dataclass(frozen=True, slots=True)
class Window:
    """One count that a request is held against."""

    key: str
    amount: int  # so many are served
    length_s: int
    ends_at_s: int  # Unix time


@dataclass(frozen=True, slots=True)
class Standing:
    """What a caller is told: of the windows that counted, the one with the least left."""

    limit: int
    remaining: int
    reset_at_s: int  # Unix time
    over: bool = False


def windows(limit: str, whose: str, now_s: float) -> list[Window]:
    """Return what one limit counts for whoever is named."""
    found = []
    for item in parse_many(limit):
        length_s = item.get_expiry()
        number = int(now_s // length_s)
        found.append(Window(f"{whose}:{length_s}:{number}", item.amount, length_s, (number + 1) * length_s))
    return found


def stricter(first: Standing | None, window: Window, count: int) -> Standing:
    """Return what leaves the caller less: a window that is over comes first, the later end among equals."""
    second = Standing(window.amount, max(window.amount - count, 0), window.ends_at_s, over=count > window.amount)
    if first is None:
        return second
    return min(first, second, key=lambda standing: (not standing.over, standing.remaining, -standing.reset_at_s))


def group_of(path: str) -> str | None:
    """Return the group of a declared path, if it has limits of its own."""
    return next((group for begins, group in GROUPS.items() if f"{path}/".startswith(f"{begins}/")), None)


def is_unlimited(address: str, networks: tuple[Network, ...]) -> bool:
    """Whether nothing is counted for an address; what is no address is counted."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None) or parsed
    return any(mapped in network for network in networks)


def faults_of(limit: str) -> str:
    """Return what is wrong with a limit as an operator wrote it; empty: nothing."""
    try:
        items: list[RateLimitItem] = parse_many(limit)
    except ValueError:
        return "must be written like 500/hour;100/minute"
    return "" if all(item.amount > 0 for item in items) else "must let at least one request through"
