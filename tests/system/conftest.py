"""One running system for all tests of this folder that need no other."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from salesos.api import Api
from salesos.data_folder import Running, is_claimed
from salesos.ports import why_not
from tests.system.model import Model, serve_model
from tests.system.running import Up, start_up
from tests.system.table import Summaries, place_all


@pytest.fixture(scope="package")
def model() -> Iterator[Model]:
    """A model's server, for agents whose model is `openai:any`; all others go by the script."""
    with serve_model() as model:
        yield model


@pytest.fixture(scope="package")
def up(tmp_path_factory: pytest.TempPathFactory, model: Model) -> Iterator[Up]:
    """`salesos up --demo`, its demonstration call under way. Stopped behind the folder's tests, with nothing left."""
    settings = {"SALESOS_OPENAI_BASE_URL": model.server.base_url, "SALESOS_OPENAI_API_KEY": "a-key-of-tests"}
    with start_up(tmp_path_factory.mktemp("system"), "--demo", settings=settings) as up:
        running = up.wait_until_ready()
        yield up
        assert up.stop(signal.SIGINT) == 0, up.output.read_text()
    assert up.descendants() == {}
    assert not (up.data / "run.json").exists()
    assert not is_claimed(up.data)
    for url in (running.crm, running.voice, running.carrier):
        assert why_not("127.0.0.1", int(url.rsplit(":", 1)[1])) == ""


@pytest.fixture(scope="package")
def running(up: Up) -> Running:
    """Where the running system is."""
    return up.wait_until_ready()


@pytest.fixture(scope="package")
def summaries(running: Running, repository: Path) -> Summaries:
    """Every persona's call, over; and a human voice's, where a recording of one lies beside the checkout."""
    recording = repository.parent / "shared" / "audio" / "jfk.wav"
    return place_all(running, recording if recording.exists() else None)


@pytest.fixture
def api(running: Running) -> Iterator[Api]:
    """Signed-in access to the running system."""
    with Api(running.crm, running.carrier) as api:
        api.sign_in(running.email, running.password)
        yield api
