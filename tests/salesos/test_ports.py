"""Ports: a busy one is named with the variable that changes it."""

import socket

from config.settings import Settings
from salesos import ports
from salesos.embedded.engine import free_port


def test_a_busy_port_is_named_with_its_variable() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        (fault,) = ports.faults("127.0.0.1", {"SALESOS_CRM_PORT": port, "SALESOS_VOICE_PORT": free_port()})
    assert fault.startswith(f"port {port} on 127.0.0.1 is already in use: set SALESOS_CRM_PORT to another one")


def test_free_ports_have_no_fault() -> None:
    assert ports.faults("127.0.0.1", {"SALESOS_CRM_PORT": free_port()}) == []


def test_one_port_for_two_is_a_fault() -> None:
    port = free_port()
    (fault,) = ports.faults("127.0.0.1", {"SALESOS_CRM_PORT": port, "SALESOS_VOICE_PORT": port})
    assert "set SALESOS_CRM_PORT or SALESOS_VOICE_PORT" in fault


def test_an_address_that_is_not_ours_is_a_fault() -> None:
    assert "cannot be had" in ports.why_not("192.0.2.1", free_port())


def test_the_carriers_port_is_wanted_only_for_the_one_in_the_box() -> None:
    assert "SALESOS_CARRIER_PORT" in ports.wanted(Settings())
    real = Settings(carrier_url="https://api.twilio.com", twilio_account_sid="AC1", twilio_auth_token="token")
    assert "SALESOS_CARRIER_PORT" not in ports.wanted(real)
