"""A recording reaches a real S3 server (moto's) as one WAV object, and a repeated upload doubles nothing."""

import io
import wave
from collections.abc import Iterator
from pathlib import Path

import boto3
import numpy as np
import obstore
import pytest
from moto.server import ThreadedMotoServer

from events.ids import new_id
from media.recording.blocks import Block, pack
from media.recording.join import wav_pieces
from media.recording.spool import Spool
from media.recording.upload import StoreUnavailable, open_store, upload


def point_at(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    point_at(monkeypatch, f"http://{host}:{port}")
    bucket = f"test-{new_id()}"  # the server's state is the process's, not the server's
    boto3.client("s3", endpoint_url=f"http://{host}:{port}").create_bucket(Bucket=bucket)
    yield f"s3://{bucket}/calls"
    server.stop()


def spooled(folder: Path, seconds: float) -> Spool:
    spool = Spool(folder, new_id(), new_id())
    noise = np.random.default_rng(1).integers(0, 255, int(8_000 * seconds), dtype=np.uint8).tobytes()
    half = len(noise) // 2
    spool.append(pack(Block(0, half, (noise[:half], noise[:half], b""))))
    spool.append(pack(Block(half, half, (noise[half:], noise[half:], b""))))
    spool.close()
    return spool


@pytest.mark.parametrize("seconds", [0.5, 400])  # in one piece, and over the size that goes in parts
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # moto's own dependencies
async def test_a_recording_reaches_s3_once(s3: str, tmp_path: Path, seconds: float) -> None:
    spool = spooled(tmp_path, seconds)
    store = open_store(s3)
    stored = await upload(spool, store, s3)
    again = await upload(spool, store, s3)
    assert stored == again
    assert len([item for page in obstore.list(store) for item in page]) == 1
    raw = bytes(await (await obstore.get_async(store, stored.key)).bytes_async())
    assert len(raw) == stored.size_bytes
    with wave.open(io.BytesIO(raw)) as recording:
        assert (recording.getnchannels(), recording.getframerate()) == (2, 8_000)
        assert recording.getnframes() == spool.extent().samples
    assert raw == b"".join(wav_pieces(spool.blocks(), spool.extent()))


async def test_a_store_that_is_away_is_named_and_the_spool_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    point_at(monkeypatch, "http://127.0.0.1:9")  # discard: nobody listens there
    spool = spooled(tmp_path, 0.1)
    with pytest.raises(StoreUnavailable):
        await upload(spool, open_store("s3://nowhere/calls"), "s3://nowhere/calls")
    assert spool.exists()


def test_an_address_that_means_nothing_is_refused() -> None:
    with pytest.raises(StoreUnavailable, match="address"):
        open_store("carrier-pigeon://roof")
