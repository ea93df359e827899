"""What tests of recordings share."""

from collections.abc import Iterator

import pytest

from tests.s3_server import S3Server, point_at


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    point_at(monkeypatch, "")
    server = S3Server()
    point_at(monkeypatch, server.endpoint)
    yield server
    server.stop()


@pytest.fixture
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second instead of a minute, looked for at once."""
    for module in ("segments", "uploader"):
        monkeypatch.setattr(f"media.recording.{module}.SEGMENT_S", 1)
    monkeypatch.setattr("media.recording.uploader.LOOK_EVERY_S", 0.01)
    monkeypatch.setattr("media.recording.uploader.SPOOL_LAG_S", -100)  # the audio is there before its time
    monkeypatch.setattr("media.recording.uploader.RETRY_FIRST_S", 0.05)
