"""A whole call over real sockets whose recording is sealed and Opus: segments, the one file, what a listener hears."""

import io
import re
from pathlib import Path

import av
import httpx
import numpy as np
import pytest
from pydantic import SecretStr

from events import call as events
from events.ids import new_id
from events.plan import RECORDING_KEY
from events.sealed_audio import CallSeal, MasterKey, new_key
from tests.telephony.stage import finished, set_stage

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("stage")]
MASTER = MasterKey("m" * 32)
NUMBER = "+12025550188"


async def test_a_sealed_call(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("segments", "uploader"):
        monkeypatch.setattr(f"media.recording.{module}.SEGMENT_S", 2)  # no minute is talked here
    monkeypatch.setattr("media.recording.uploader.LOOK_EVERY_S", 0.2)
    call_id, key = new_id(), new_key()
    settings = {"recording_key": SecretStr(MASTER.secret), "recording_format": "opus"}
    async with set_stage(redis_url, tmp_path, **settings) as stage:
        await stage.seat("opt_out", NUMBER)
        wrapped = MASTER.wrap(key, stage.org_id)
        reply = await stage.dial(call_id, NUMBER, sealed_keys={RECORDING_KEY: wrapped})
        assert reply.accepted, reply.reason
        found = await stage.until(call_id, events.Closed)
        async with httpx.AsyncClient() as http:
            figures = (await http.get(f"http://127.0.0.1:{stage.settings.voice_port}/metrics")).text
        seal = CallSeal(key, stage.org_id, call_id)
        folder = stage.settings.data_dir
    (stored,) = [event.body for event in found if isinstance(event.body, events.RecordingStored)]
    assert stored.key == f"recordings/{seal.org_id}/{call_id}.ogg.sealed"
    sealed = (folder / "store" / stored.key).read_bytes()
    assert b"OggS" not in sealed
    raw = seal.open_all(sealed)
    assert len(raw) == stored.size_bytes
    with av.open(io.BytesIO(raw), "r") as container:
        audio = np.concatenate([frame.to_ndarray() for frame in container.decode(container.streams.audio[0])], axis=1)
    assert audio.shape[0] == stored.channels == 2
    assert audio.shape[1] / 48_000 == pytest.approx(finished(found).duration_s, abs=1.5)
    assert (audio.std(axis=1) > 0.005).all(), "both voices are in it"
    assert not list(folder.rglob("*.rec"))
    segments = re.search(r"^salesos_segments_stored_total (\S+)", figures, re.MULTILINE)
    assert segments is not None
    assert float(segments[1]) >= 2, "it went to the store while the call ran"
    left = [path.name for path in (folder / "store").rglob("*") if path.is_file()]
    assert left == [f"{call_id}.ogg.sealed"], "segments, manifest and pointer are gone"
