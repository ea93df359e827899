"""One running system for all tests of this folder that need no other."""

from collections.abc import Iterator

import pytest

from salesos.data_folder import Running
from tests.system.running import Up, start_up


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """`salesos up`, ready; stopped after the last test, with nothing left."""
    up = start_up(tmp_path_factory.mktemp("system"))
    try:
        up.wait_until_ready()
        yield up
    finally:
        status = up.stop()
    assert status == 0, up.output.read_text()
    assert up.descendants() == {}


@pytest.fixture(scope="session")
def running(up: Up) -> Running:
    """Where the running system is."""
    return up.wait_until_ready()
