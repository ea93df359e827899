"""Sealed recordings from the first dial to the listener: any range, and no byte without the right key."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from obstore.store import MemoryStore
from pydantic import SecretStr

from config.settings import Settings
from crm.app import create_app
from crm.call_events import EventConsumer
from crm.calls.dial import DialRequest
from crm.calls.playback import Playback, open_playback
from crm.calls.recordings import Kept, Span
from crm.resources import Resources, open_resources
from events.call import Closed, Finished, Outcome, RecordingStored, State
from events.command import Dial
from events.ids import new_id
from events.plan import RECORDING_KEY
from events.sealed_audio import CHUNK_BYTES, BadSeal, CallSeal, MasterKey, new_key
from tests.crm.conftest import NUMBER, Org, make_org, token_of
from tests.crm.fake_node import CallScript, FakeNode, publish
from tests.crm.test_api import data, problem

MASTER = MasterKey("m" * 32)
PLAIN = b"RIFF" + bytes(range(251)) * 1_200  # several chunks


@pytest.fixture
async def sealing(settings: Settings, config_folder: Path) -> AsyncIterator[Resources]:
    """A CRM whose operator has set a master key."""
    made = open_resources(settings.model_copy(update={"recording_key": SecretStr(MASTER.secret)}), config_folder)
    yield made
    await made.aclose()


async def sealed_call(sealing: Resources, node: FakeNode, consumer: EventConsumer, org: Org) -> CallScript:
    """A call, from its dial to its sealed recording, as a voice node makes it from the plan alone."""
    placed = await sealing.dialler.dial(DialRequest(lead_id=org.lead_id), org.id)
    order = node.orders[-1].body
    assert isinstance(order, Dial)
    seal = CallSeal(MASTER.unwrap(order.plan.sealed_keys[RECORDING_KEY], org.id), org.id, placed.call_id)
    key = f"recordings/{org.id}/{placed.call_id}.wav.sealed"
    await sealing.store.put_async(key, b"".join(seal.seal([PLAIN])))
    script = CallScript(org.id, placed.call_id)
    end = Finished(State.ENDED, Outcome.HUNG_UP, None, 3.0, 3)
    stored = RecordingStored(f"s3://b/{key}", key, 2, 3.0, len(PLAIN), "00")
    await publish(sealing.redis, *script.events([end, stored, Closed()]))
    await consumer.turn()
    return script


async def client_of(resources: Resources, settings: Settings, org: Org) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {token_of(org, settings)}"}
    transport = httpx.ASGITransport(create_app(settings, resources))
    return httpx.AsyncClient(transport=transport, base_url="http://crm.test", headers=headers)


async def test_a_sealed_recording_is_heard_in_any_range(
    sealing: Resources, settings: Settings, node: FakeNode, consumer: EventConsumer, org: Org
) -> None:
    script = await sealed_call(sealing, node, consumer, org)
    async with await client_of(sealing, settings, org) as api:
        url = data(await api.get(f"/api/calls/{script.call_id}/recording"))["url"]
        whole = await api.get(url)
        assert (whole.status_code, whole.headers["content-type"]) == (200, "audio/wav")
        assert whole.content == PLAIN
        for start, end in ((0, 4), (CHUNK_BYTES - 1, CHUNK_BYTES + 1), (100, len(PLAIN)), (len(PLAIN) - 1, len(PLAIN))):
            part = await api.get(url, headers={"Range": f"bytes={start}-{end - 1}"})
            assert (part.status_code, part.content) == (206, PLAIN[start:end])
            assert part.headers["content-range"] == f"bytes {start}-{end - 1}/{len(PLAIN)}"
        problem(await api.get(url, headers={"Range": f"bytes={len(PLAIN)}-"}), 416, "range_not_satisfiable")


@pytest.mark.parametrize("master", [None, MasterKey("n" * 32)], ids=["lost", "another one"])
async def test_without_the_right_key_it_says_so_and_deletes_nothing(
    sealing: Resources,
    settings: Settings,
    node: FakeNode,
    consumer: EventConsumer,
    org: Org,
    master: MasterKey | None,
) -> None:
    script = await sealed_call(sealing, node, consumer, org)
    async with await client_of(replace(sealing, recording_master=master), settings, org) as api:
        url = data(await api.get(f"/api/calls/{script.call_id}/recording"))["url"]
        problem(await api.get(url), 503, "recording_locked")
    async with await client_of(sealing, settings, org) as api:
        assert (await api.get(url)).content == PLAIN


async def test_an_organisation_has_one_key_and_no_other_has_it(
    sealing: Resources, resources: Resources, node: FakeNode, org: Org
) -> None:
    other = await make_org(sealing.sessions, credit=5_000)
    orgs = [await make_org(sealing.sessions, credit=5_000), other]
    for each in (orgs[0], orgs[0], other):
        await sealing.dialler.dial(DialRequest(number=NUMBER), each.id)
    await resources.dialler.dial(DialRequest(number=NUMBER), other.id)
    plans = [order.body.plan for order in node.orders if isinstance(order.body, Dial)]
    keys = [plan.sealed_keys.get(RECORDING_KEY) for plan in plans]
    assert keys[0] == keys[1]
    assert keys[2] not in (keys[0], None)
    assert keys[3] is None, "without the setting new recordings are not sealed"


def kept(seal: CallSeal, key: str) -> Kept:
    return Kept(key, seal.org_id, seal.call_id, MASTER.wrap(seal.key, seal.org_id))


async def test_what_was_altered_on_the_way_never_reaches_the_listener() -> None:
    seal, store = CallSeal(new_key(), new_id(), new_id()), MemoryStore()
    raw = bytearray(b"".join(seal.seal([PLAIN])))
    raw[-1] ^= 1
    await store.put_async("a.wav.sealed", bytes(raw))
    playback = await open_playback(store, kept(seal, "a.wav.sealed"), MASTER)
    got = bytearray()
    with pytest.raises(BadSeal):
        await take(playback, Span(0, len(PLAIN), len(PLAIN), partial=False), got)
    assert bytes(got) == PLAIN[: len(PLAIN) // CHUNK_BYTES * CHUNK_BYTES]


@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES, 3 * CHUNK_BYTES + 1])
async def test_every_size_and_range(sealed: bool, size: int) -> None:
    seal, store, plain = CallSeal(new_key(), new_id(), new_id()), MemoryStore(), (PLAIN * 2)[:size]
    key = "a.wav.sealed" if sealed else "a.wav"
    await store.put_async(key, b"".join(seal.seal([plain])) if sealed else plain)
    playback = await open_playback(store, kept(seal, key), MASTER)
    assert playback.size_bytes == size
    for start, end in ((0, size), (0, min(1, size)), (size // 2, size), (size // 3, size // 2)):
        assert await heard(playback, start, end) == plain[start:end]


async def heard(playback: Playback, start: int, end: int) -> bytes:
    got = bytearray()
    await take(playback, Span(start, end, playback.size_bytes, partial=True), got)
    return bytes(got)


async def take(playback: Playback, span: Span, into: bytearray) -> None:
    async for piece in playback.read(span):
        into += piece
