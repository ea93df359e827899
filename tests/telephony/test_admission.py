"""The door: who is let in, who is not and why, and that a held place is given back."""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast
from uuid import UUID

import pytest
import redis.asyncio as redis

from events.ids import new_id
from media.load import Gauge, Reading, Shedding
from telephony.admission import MEASURED_AFTER_S, Admission, NoRoom
from telephony.call.session import CallSession
from telephony.calls import Calls
from telephony.outbox import Outbox


class House:
    """A door, the calls behind it, and what it looks at."""

    def __init__(self, tasks: asyncio.TaskGroup, folder: Path, *, capacity: int = 100, by_load: bool = True) -> None:
        self.calls = Calls(tasks, capacity)
        self.gauge = Gauge()
        self.outbox = Outbox(folder, redis.Redis())
        self.admission = Admission(self.calls, self.gauge, self.outbox, by_load=by_load)

    def code(self) -> str:
        try:
            with self.admission.place():
                return ""
        except NoRoom as refusal:
            return refusal.code


async def test_an_idle_node_takes_a_call_and_gives_the_place_back(tmp_path: Path) -> None:
    async with asyncio.TaskGroup() as tasks:
        house = House(tasks, tmp_path, capacity=1)
        with house.admission.place():
            assert len(house.calls) == 1
            assert not await house.calls.wait_empty(0), "a call that is being prepared is waited for"
            assert house.code() == "node_full"
        assert len(house.calls) == 0
        assert await house.calls.wait_empty(0)
        assert house.code() == ""
        assert house.admission.admitted == 2
        assert house.admission.refused == {"node_full": 1}


async def test_a_place_is_given_back_when_the_call_comes_to_nothing(tmp_path: Path) -> None:
    async with asyncio.TaskGroup() as tasks:
        house = House(tasks, tmp_path)
        with pytest.raises(LookupError), house.admission.place():
            raise LookupError
        assert len(house.calls) == 0


async def test_each_refusal_has_its_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with asyncio.TaskGroup() as tasks:
        house = House(tasks, tmp_path)
        monkeypatch.setattr("telephony.outbox.WAITING_MAX", -1)
        assert house.code() == "outbox_full"
        house.calls.draining = True
        assert house.code() == "node_draining", "the plainest reason first"
        assert dict(house.admission.refused) == {"outbox_full": 1, "node_draining": 1}


def fill(house: House) -> None:
    with contextlib.ExitStack() as places:
        for _ in range(1_000):
            places.enter_context(house.admission.place())


async def test_a_burst_is_refused_by_its_forecast_alone(tmp_path: Path) -> None:
    """Nothing of it has been measured yet."""
    async with asyncio.TaskGroup() as tasks:
        house = House(tasks, tmp_path, capacity=1_000)
        with pytest.raises(NoRoom, match="node_overloaded"):
            fill(house)
        assert 100 < house.admission.admitted < 200, "0.9 of a core by 0.006"
        assert len(house.calls) == 0


class Empty:
    """A room without listeners."""

    def shed_taps(self, shed: bool) -> None: ...


@dataclass
class Live:
    """As much of a call as the door looks at: it lasts until it is told."""

    line_opened_at: float | None
    call_id: UUID = field(default_factory=new_id)
    room: Empty = field(default_factory=Empty)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        await self.over.wait()


@contextlib.contextmanager
def on_the_line(house: House, calls: Sequence[Live]) -> Iterator[None]:
    for call in calls:
        house.calls.start(cast(CallSession, call))
    yield
    for call in calls:
        call.over.set()


@pytest.mark.parametrize(("by_load", "code"), [(True, "node_overloaded"), (False, "")])
async def test_load_is_a_reason_unless_the_operator_says_no(tmp_path: Path, *, by_load: bool, code: str) -> None:
    async with asyncio.TaskGroup() as tasks:
        house = House(tasks, tmp_path, by_load=by_load)
        for _ in range(30):
            house.gauge.take(Reading(busy=1.0, used=1.0, calls=9, lag_ms=900))
        with on_the_line(house, [Live(0.0) for _ in range(9)]):
            assert house.code() == code


async def test_ringing_and_fresh_calls_are_not_measured_yet(tmp_path: Path) -> None:
    now = asyncio.get_running_loop().time()
    async with asyncio.TaskGroup() as tasks:
        house = House(tasks, tmp_path)
        with (
            on_the_line(house, [Live(now - 2 * MEASURED_AFTER_S), Live(now), Live(None)]),
            house.admission.place(),
        ):
            assert len(house.calls) == 4
            assert house.calls.unmeasured(now - MEASURED_AFTER_S) == 3
            assert house.calls.with_audio == 2


async def test_what_is_announced_is_the_load_with_one_more_call(tmp_path: Path) -> None:
    async with asyncio.TaskGroup() as tasks:
        house = House(tasks, tmp_path)
        assert house.admission.announced() == (round(0.006 / 0.9, 3), Shedding.NOTHING, "")
        house.calls.draining = True
        assert house.admission.announced()[2] == "node_draining"
