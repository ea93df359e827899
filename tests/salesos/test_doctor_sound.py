"""What the doctor says of browsers' sound."""

import socket
from typing import Any

import pytest
from pydantic import SecretStr

from config.settings import Settings
from salesos.doctor_sound import check_sound
from salesos.finding import Finding, Level

KEYS = {"secret_key": SecretStr("k" * 32), "internal_key": SecretStr("i" * 32)}
PUBLIC = {"site_url": "https://crm.example.com", "host": "0.0.0.0", "people_udp_port": 18703} | KEYS  # noqa: S104
TURN = SecretStr('[{"urls": "turns:turn.example.com:443", "secret": "s"}]')


def found(**changes: Any) -> list[Finding]:
    return list(check_sound(Settings(**changes)))


def test_on_one_machine_nothing_is_to_be_set() -> None:
    (one,) = found()
    assert (one.level, "127.0.0.1" in one.detail) == (Level.OK, True)


@pytest.mark.parametrize(
    ("changes", "level", "said"),
    [
        (PUBLIC | {"people_addresses": ("203.0.113.7",)}, Level.OK, "18703 at 203.0.113.7"),
        (PUBLIC | {"people_addresses": ("203.0.113.7",), "people_udp_port": 0}, Level.HINT, "free UDP port"),
        (PUBLIC | {"host": "127.0.0.1"}, Level.HINT, "loopback"),
        (PUBLIC | {"host": "192.168.0.9"}, Level.HINT, "private"),
        ({"ice_servers": SecretStr("x")}, Level.FAULT, "SALESOS_ICE_SERVERS"),
        ({"relay_only": True}, Level.FAULT, "TURN"),
        ({"relay_only": True, "ice_servers": TURN}, Level.OK, "127.0.0.1"),
    ],
)
def test_what_browsers_elsewhere_need(changes: dict[str, Any], level: Level, said: str) -> None:
    last = found(**changes)[-1]
    assert last.level is level
    assert said in last.detail


def test_a_port_that_is_taken_is_told() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        hint, one = found(people_udp_port=taken.getsockname()[1])
    assert (hint.level, one.level) == (Level.HINT, Level.OK)
    assert "in use" in hint.detail
