"""One behaviour over a folder and over S3, and one kind of error for everything that can be wrong with them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from media.recording.read_back import read_whole
from media.recording.store import AWAY, REFUSED, Bucket, StoreUnavailable, open_store
from tests.s3_server import S3Server, point_at

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # moto's own dependencies


@pytest.fixture(params=["file", "s3"])
def bucket(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bucket]:
    if request.param == "file":
        yield open_store((tmp_path / "store").as_uri())
    else:
        yield open_store(request.getfixturevalue("s3").address)


async def test_objects_are_written_found_read_and_deleted(bucket: Bucket) -> None:
    large = [b"\x01" * 3_000_000] * 4  # over what goes in one part
    await bucket.put("recordings/a/1.wav", iter(large), 12_000_000)
    await bucket.put("recordings/a/1/000001.seg", b"seg", 3)
    await bucket.put("recordings/a/1/000001.seg", b"segment", 7)  # over the first
    assert await bucket.size("recordings/a/1.wav") == 12_000_000
    assert await bucket.size("recordings/a/2.wav") is None
    assert await read_whole(bucket, "recordings/a/1.wav") == b"".join(large)
    assert await bucket.names("recordings/a/1/") == ["recordings/a/1/000001.seg"]
    await bucket.delete(["recordings/a/1/000001.seg", "recordings/a/1/000002.seg"])
    assert await bucket.names("recordings/a/1/") == []
    assert await bucket.size("recordings/a/1.wav") == 12_000_000


async def test_an_object_that_is_missing_is_not_an_empty_one(bucket: Bucket) -> None:
    with pytest.raises(StoreUnavailable):
        await read_whole(bucket, "recordings/none.wav")


async def test_a_body_that_breaks_off_leaves_nothing(bucket: Bucket) -> None:
    def breaks() -> Iterator[bytes]:
        yield b"\x01" * 9_000_000
        raise OSError(5, "the disk")

    with pytest.raises(StoreUnavailable):
        await bucket.put("recordings/a/1.wav", breaks(), 9_000_000)
    assert await bucket.size("recordings/a/1.wav") is None


async def test_a_store_that_is_away_is_told_from_one_that_refuses(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.status = "403 Forbidden"
    with pytest.raises(StoreUnavailable) as refused:
        await open_store(s3.address).put("a", b"x", 1)
    assert (refused.value.reason, refused.value.of_this_call) == (REFUSED, False)
    point_at(monkeypatch, "http://127.0.0.1:9")  # discard: nobody listens there
    with pytest.raises(StoreUnavailable) as away:
        await open_store("s3://nowhere").size("a")
    assert away.value.reason == AWAY


async def test_a_store_that_is_slow_is_not_waited_for(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("media.recording.store.SHORT_TIMEOUT_S", 0.1)
    s3.slow_s = 1.0
    with pytest.raises(StoreUnavailable) as slow:
        await open_store(s3.address).size("a")
    assert slow.value.reason == AWAY


def test_an_address_that_means_nothing_is_refused() -> None:
    with pytest.raises(StoreUnavailable, match="address"):
        open_store("carrier-pigeon://roof")
