"""What a process opens for people, and what it refuses to start with."""

from pathlib import Path
from typing import Any

import pytest
import redis.asyncio as redis
from pydantic import SecretStr

from config.settings import BadSettings, Settings
from telephony.people.figures import PeopleFigures
from telephony.people.opening import opened_door, own_addresses

TURN = '[{"urls": "turns:turn.example.com:443", "secret": "s"}]'


async def opened(folder: Path, **changes: Any) -> Any:
    settings = Settings(data_dir=folder, **changes)
    async with opened_door(settings, redis.Redis(), lambda _: None, PeopleFigures()) as door:
        return door


async def test_on_one_machine(tmp_path: Path) -> None:
    door = await opened(tmp_path)
    assert door.exchange.addresses == ("127.0.0.1",)
    assert door.admits_origin("http://localhost:8700")
    assert door.admits_origin("http://127.0.0.1:8700")
    assert door.admits_origin(None), "programs name none"
    for origin in ("http://localhost:8701", "https://localhost:8700", "null", ""):
        assert not door.admits_origin(origin)


async def test_as_it_is_set(tmp_path: Path) -> None:
    door = await opened(
        tmp_path,
        people_addresses=("203.0.113.7",),
        site_url="https://crm.example.com",
        allowed_origins=("https://app.example.com",),
        ice_servers=SecretStr(TURN),
        relay_only=True,
    )
    assert door.exchange.addresses == ("203.0.113.7",)
    assert door.origins == {"https://crm.example.com", "https://app.example.com"}
    assert door.relay_only


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ice_servers": SecretStr("x")}, "ICE_SERVERS"),
        ({"relay_only": True}, "needs a turn"),
    ],
)
async def test_what_it_does_not_start_with(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(BadSettings, match=said):
        await opened(tmp_path, **changes)


def test_a_port_of_all_addresses_is_told_by_each() -> None:
    assert own_addresses("203.0.113.7") == ("203.0.113.7",)
    found = own_addresses("0.0.0.0")  # noqa: S104 - only named
    assert found
    assert "0.0.0.0" not in found  # noqa: S104
