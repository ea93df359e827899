"""What a killed process left is made whole by the next start (X6)."""

import asyncio
import contextlib
import wave
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import redis.asyncio as redis

from events import call as events
from events import wire
from events.call import AnsweredBy, Outcome, State
from events.ids import new_id
from events.leg_events import LegAccepted, LegAnswered, LegArranged, LegEnded, LegMetered, LegPlaced
from events.permit import Purpose
from media.recording.blocks import Block, pack
from media.recording.segments import segment_key, unfinished_key
from media.recording.spool import Spool, encode_meta, leftovers, new_meta
from media.recording.store import open_store
from telephony import journal
from telephony.call.archive import Archive
from telephony.carrier_port import CallOrder, CarrierInDoubt, Transfer
from telephony.journal import CallKey
from telephony.outbox import Outbox
from telephony.recovery import LATE_EPOCH, Recovery, verdict

BEGAN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class HangingUpCarrier:
    """Remembers whom it was told to hang up."""

    name = "fake"

    def __init__(self, *, away: bool = False) -> None:
        self.hung_up: list[str] = []
        self._away = away

    async def dial(self, order: CallOrder) -> str:
        raise AssertionError("recovery dials nobody")

    async def find(self, order: CallOrder, since: datetime) -> str | None:
        raise AssertionError("recovery looks for nobody")

    async def status(self, carrier_call_id: str) -> str:
        raise AssertionError("recovery asks about nobody")

    async def put_through(self, carrier_call_id: str, transfer: Transfer) -> None:
        raise AssertionError("nobody is put through here")

    async def hang_up(self, carrier_call_id: str) -> None:
        if self._away:
            raise CarrierInDoubt("away")
        self.hung_up.append(carrier_call_id)

    async def aclose(self) -> None: ...


def history(key: CallKey, bodies: list[events.Body]) -> list[events.Event]:
    return [
        events.Event(key.org_id, key.call_id, 1, seq, BEGAN + timedelta(seconds=seq), body)
        for seq, body in enumerate(bodies, start=1)
    ]


LIVE: list[events.Body] = [
    events.StateChanged(State.DIALING, State.IDLE),
    events.CarrierAccepted("twilio", "CA77"),
    events.Answered(),
    events.AnswererKnown(AnsweredBy.HUMAN, "carrier"),
    events.Metered(10),
]


@contextlib.asynccontextmanager
async def recovered(redis_url: str, folder: Path, carrier: HangingUpCarrier) -> AsyncGenerator[redis.Redis]:
    """Run recovery over what lies in `folder` until its events are out."""
    (folder / "journal").mkdir(exist_ok=True)
    address = (folder / "store").as_uri()
    archive = Archive(open_store(address), address, folder / "spool")
    async with redis.Redis.from_url(redis_url) as client, asyncio.TaskGroup() as tasks:
        outbox = Outbox(folder / "journal", client)
        recovery = Recovery(folder / "journal", outbox, archive, carrier, lambda call_id: False)
        running = [tasks.create_task(outbox.run()), tasks.create_task(recovery.run())]
        yield client
        for task in running:
            task.cancel()


async def told(client: redis.Redis, call_id: UUID, timeout_s: float = 10) -> list[events.Event]:
    """Wait for the newest epoch's end; return all events of the call."""
    async with asyncio.timeout(timeout_s):
        while True:
            entries: Any = await client.xrange(wire.event_stream(call_id))
            found = [events.decode(fields[wire.EVENT_FIELD]) for _, fields in entries or []]
            mine = [event for event in found if event.call_id == call_id]
            if mine and isinstance(mine[-1].body, events.Closed):
                return mine
            await asyncio.sleep(0.05)


def leave_journal(folder: Path, key: CallKey, bodies: list[events.Body]) -> None:
    (folder / "journal").mkdir(exist_ok=True)
    raw = [events.encode(event) for event in history(key, bodies)]
    assert journal.append({key.path(folder / "journal"): raw}) == {}


def leave_spool(folder: Path, key: CallKey, seconds: int) -> None:
    spool = Spool(folder / "spool", new_meta(key.org_id, key.call_id))
    voice = b"\x20" * 8_000 * seconds
    spool.append(pack(Block(0, len(voice), (voice, voice, b""))))
    spool.append(pack(Block(len(voice), len(voice), (voice, b"", b"")))[:-1])  # a torn last block
    spool.close()


async def test_a_telephone_beside_the_call_is_hung_up_too_and_costs_what_it_lasted(
    redis_url: str, tmp_path: Path
) -> None:
    key, carrier, left, over = CallKey(new_id(), new_id()), HangingUpCarrier(), new_id(), new_id()
    bodies: list[events.Body] = [
        *LIVE,
        LegPlaced(over, Purpose.CONSULT, "+12025550150", "rep:1", "Ada", new_id()),
        LegEnded(over, "busy"),
        LegPlaced(left, Purpose.CONSULT, "+12025550150", "rep:1", "Ada", new_id()),
        LegAccepted(left, "CA78"),
        LegAnswered(left),
        LegArranged(left, "conference", "Ada"),
        LegMetered(left, 1),
    ]
    leave_journal(tmp_path, key, bodies)
    async with recovered(redis_url, tmp_path, carrier) as client:
        found = await told(client, key.call_id)
    ends = [event.body for event in found if event.epoch == 2 and isinstance(event.body, LegEnded)]
    assert ends == [LegEnded(left, "node_lost", 2)], "up to the last that is known of it"
    assert carrier.hung_up == ["CA77", "CA78"]


async def test_a_call_cut_off_gets_an_end_a_recording_and_a_hung_up_phone(redis_url: str, tmp_path: Path) -> None:
    key, carrier = CallKey(new_id(), new_id()), HangingUpCarrier()
    leave_journal(tmp_path, key, LIVE)
    leave_spool(tmp_path, key, 3)
    async with recovered(redis_url, tmp_path, carrier) as client:
        found = await told(client, key.call_id)
    assert [(event.epoch, event.seq) for event in found] == [*((1, n) for n in range(1, 6)), (2, 1), (2, 2), (2, 3)]
    end, stored = found[5].body, found[6].body
    assert isinstance(end, events.Finished)
    assert (end.state, end.outcome, end.reason, end.billable_s) == (
        State.ENDED,
        Outcome.SERVICE_FAILURE,
        "node_lost",
        10,
    )
    assert isinstance(stored, events.RecordingStored)
    with wave.open(str(tmp_path / "store" / stored.key)) as recording:
        assert (recording.getnchannels(), recording.getnframes()) == (2, 24_000)
    assert carrier.hung_up == ["CA77"]
    assert not list((tmp_path / "spool").iterdir())


async def test_a_call_that_never_was_answered_fails_and_costs_nothing(redis_url: str, tmp_path: Path) -> None:
    key = CallKey(new_id(), new_id())
    leave_journal(tmp_path, key, LIVE[:2])
    async with recovered(redis_url, tmp_path, HangingUpCarrier(away=True)) as client:
        found = await told(client, key.call_id)
    end = found[2].body
    assert isinstance(end, events.Finished)
    assert (end.state, end.billable_s) == (State.FAILED, 0)


async def test_what_had_been_decided_stands(redis_url: str, tmp_path: Path) -> None:
    key = CallKey(new_id(), new_id())
    opted_out = events.FactNoted(events.FactKind.OPTED_OUT)
    end = verdict(history(key, [*LIVE, opted_out]))
    assert end.outcome is Outcome.OPTED_OUT


async def test_a_call_that_had_ended_is_only_told_again(redis_url: str, tmp_path: Path) -> None:
    key, carrier = CallKey(new_id(), new_id()), HangingUpCarrier()
    leave_journal(tmp_path, key, [*LIVE, events.Finished(State.ENDED, Outcome.HUNG_UP), events.Closed()])
    async with recovered(redis_url, tmp_path, carrier) as client:
        found = await told(client, key.call_id)
    assert len(found) == 7
    assert carrier.hung_up == []


async def test_a_recording_that_outlived_its_call_is_uploaded_and_told(redis_url: str, tmp_path: Path) -> None:
    key = CallKey(new_id(), new_id())
    leave_spool(tmp_path, key, 1)
    async with recovered(redis_url, tmp_path, HangingUpCarrier()) as client:
        found = await told(client, key.call_id)
    assert [event.epoch for event in found] == [LATE_EPOCH] * 2
    assert isinstance(found[0].body, events.RecordingStored)


async def test_an_empty_journal_is_thrown_away(redis_url: str, tmp_path: Path) -> None:
    key = CallKey(new_id(), new_id())
    leave_journal(tmp_path, key, [])
    async with recovered(redis_url, tmp_path, HangingUpCarrier()), asyncio.timeout(5):
        while journal.leftovers(tmp_path / "journal"):  # noqa: ASYNC110 - a file wakes nobody
            await asyncio.sleep(0.05)


async def test_a_recording_that_was_told_and_not_tidied_up_is_not_told_again(redis_url: str, tmp_path: Path) -> None:
    key = CallKey(new_id(), new_id())
    stored = events.RecordingStored("file:///x", "x", 2, 1.0, 44, "00")
    leave_journal(tmp_path, key, [*LIVE, events.Finished(State.ENDED, Outcome.HUNG_UP), stored])
    leave_spool(tmp_path, key, 1)
    async with recovered(redis_url, tmp_path, HangingUpCarrier()) as client:
        found = await told(client, key.call_id)
        assert not list((tmp_path / "spool").iterdir())
    assert [type(event.body) for event in found[-2:]] == [events.RecordingStored, events.Closed]


async def test_recordings_of_a_lost_disk_are_made_from_their_segments(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("media.recording.segments.SEGMENT_S", 1)
    key = CallKey(new_id(), new_id())
    leave_spool(tmp_path, key, 2)
    (spool,) = leftovers(tmp_path / "spool")
    bucket = open_store((tmp_path / "store").as_uri())
    await bucket.put(unfinished_key("voice-1", spool.meta), encode_meta(spool.meta).encode(), 200)
    await bucket.put(segment_key(spool.meta, 1), spool.audio_path.read_bytes()[: spool.extent().size_bytes], 20_000)
    spool.remove()
    async with recovered(redis_url, tmp_path, HangingUpCarrier()) as client:
        found = await told(client, key.call_id)
    stored = found[0].body
    assert isinstance(stored, events.RecordingStored)
    assert (stored.duration_s, found[0].epoch) == (2, LATE_EPOCH)
    assert await bucket.names("unfinished/") == []
