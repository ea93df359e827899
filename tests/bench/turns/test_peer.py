"""Asking the peer, and a peer that cannot be asked."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.turns import peer
from bench.turns.scenes import EchoPath, Scene

SPEECH = Scene("whole/yes", "whole", np.zeros(8, np.int16), (1_200, 2_000))
OVER = Scene("assent/okay", "assent", np.zeros(8, np.int16), (1_200, 1_600), over_agent=True, takes_floor=False)


def script(folder: Path, code: str) -> Path:
    path = folder / "listener.py"
    path.write_text(code)
    return path


def test_its_answers_count_with_the_time_that_ours_are_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = '{"started": [1400.0], "ended": [2300.0], "run_ms": [130.0]}'
    code = f"""print('{{"0000": {told}, "0001": {told}, "0002": {told}}}')"""
    monkeypatch.setattr(peer, "SCRIPT", script(tmp_path, code))
    scenes = [SPEECH, OVER, replace(OVER, echo=EchoPath(60, -10))]
    speech, over, echo = peer.listen(Path(sys.executable), scenes, run_ms=90)
    assert speech is not None
    assert over is not None
    assert echo is None
    assert (speech.spoke_ms, speech.stopped_ms) == ([2_260], [])
    assert (over.stopped_ms, over.yielded) == ([1_400], True)


@pytest.mark.parametrize("code", ["raise SystemExit('no such module')", "print('[]')", "print('{')"])
def test_a_peer_that_fails_is_one_error(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer, "SCRIPT", script(tmp_path, code))
    with pytest.raises(peer.PeerFailed):
        peer.listen(Path(sys.executable), [SPEECH])
    with pytest.raises(peer.PeerFailed, match="away"):
        peer.listen(tmp_path / "away", [SPEECH])
