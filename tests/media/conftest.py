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
