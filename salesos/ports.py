"""Are the ports that we are told to use free? Asked before anything starts, so that the fault has a name."""

import errno
import socket
from collections.abc import Mapping

from config.settings import Settings


class PortsBusy(Exception):
    """One line per port that somebody else has."""


def wanted(settings: Settings) -> dict[str, int]:
    """Return the variable that sets each port, and the port."""
    ports = {"SALESOS_CRM_PORT": settings.crm_port, "SALESOS_VOICE_PORT": settings.voice_port}
    if settings.uses_box_carrier:
        ports["SALESOS_CARRIER_PORT"] = settings.carrier_port
    return ports


def faults(host: str, ports: Mapping[str, int]) -> list[str]:
    """Return what is wrong with the ports, one sentence each; empty when all can be had."""
    found: list[str] = []
    taken: dict[int, str] = {}
    for variable, port in ports.items():
        if port in taken:
            found.append(f"port {port} is asked for twice: set {taken[port]} or {variable} to another one")
            continue
        taken[port] = variable
        reason = why_not(host, port)
        if reason:
            found.append(f"port {port} on {host} {reason}: set {variable} to another one, or end what uses it")
    return found


def why_not(host: str, port: int) -> str:
    """Return why `port` cannot be bound on `host`; empty when it can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # As servers do: a port in TIME_WAIT counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return "is already in use" if error.errno == errno.EADDRINUSE else f"cannot be had ({error.strerror})"
    return ""
