"""A real S3 server on a real socket (moto's), which counts what it is asked and can be told to fail."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from events.ids import new_id

App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class S3Server:
    """`asked` counts (method, key); `status` answers everything with an error; `slow_s` delays every answer."""

    def __init__(self) -> None:
        self.asked: Counter[tuple[str, str]] = Counter()
        self.status = ""
        self.slow_s = 0.0
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
        self._server.start()
        host, port = self._server.get_host_and_port()
        self.endpoint = f"http://{host}:{port}"
        self.bucket = f"test-{new_id()}"  # the server's state is the process's, not the server's
        boto3.client("s3", endpoint_url=self.endpoint).create_bucket(Bucket=self.bucket)
        inner = self._server._server
        assert inner is not None
        app: App = inner.app
        inner.app = self._counting(app)

    @property
    def address(self) -> str:
        return f"s3://{self.bucket}"

    def puts(self) -> Counter[str]:
        return Counter({key: count for (method, key), count in self.asked.items() if method == "PUT"})

    def stop(self) -> None:
        self._server.stop()

    def _counting(self, app: App) -> App:
        def counted(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
            if self.slow_s:
                time.sleep(self.slow_s)
            if self.status:
                environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
                start(self.status, [("Content-Length", "0")])
                return [b""]
            key = environ["PATH_INFO"].removeprefix(f"/{self.bucket}/")
            self.asked[environ["REQUEST_METHOD"], key] += 1
            return app(environ, start)

        return counted


def point_at(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    """Let obstore and boto3 find the server, as an operator would: by the usual variables."""
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
