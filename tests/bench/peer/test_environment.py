"""Making and judging the peer's environment, without a package index."""

import sys
from pathlib import Path

import pytest

from bench.peer.environment import (
    PEER_VERSION,
    REQUIREMENTS,
    PeerMissing,
    cached_environment,
    is_complete,
    make,
    versions,
)


def test_the_environment_stands_in_the_users_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cached_environment().is_relative_to(tmp_path)
    assert PEER_VERSION in cached_environment().name


def test_the_interpreter_of_an_environment_is_asked_what_it_has() -> None:
    found = versions(Path(sys.executable))  # ours has pipecat too: its models come from it
    assert found["pipecat-ai"].startswith(f"{PEER_VERSION}.")
    assert {"python", "uvicorn", "uvloop", "onnxruntime"} <= set(found)


@pytest.mark.parametrize("name", ["missing", "true"])
def test_an_interpreter_that_cannot_run_pipecat_is_refused_with_the_remedy(name: str, tmp_path: Path) -> None:
    python = Path("/bin/true") if name == "true" else tmp_path / name
    with pytest.raises(PeerMissing, match="--peer-python"):
        versions(python)


@pytest.mark.timeout(90)
def test_a_package_index_that_cannot_be_reached_is_told_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in {
        "PIP_INDEX_URL": "http://127.0.0.1:1/simple",
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_RETRIES": "0",
        "PIP_TIMEOUT": "1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(PeerMissing, match=r"No matching distribution(.|\n)*--peer-python"):
        make(tmp_path / "peer")
    assert not is_complete(tmp_path / "peer"), "half of one is made anew"


def test_an_environment_that_stands_is_used_as_it_is(tmp_path: Path) -> None:
    stamp = tmp_path / "complete.txt"
    stamp.write_text("pipecat-ai==1.0")
    assert not is_complete(tmp_path), "by other requirements"
    stamp.write_text("\n".join(REQUIREMENTS))
    assert make(tmp_path) == tmp_path / "bin" / "python"
