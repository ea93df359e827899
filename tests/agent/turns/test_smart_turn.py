"""smart-turn itself, on sounds of our own making."""

from pathlib import Path

import numpy as np
import pytest
import soxr

from agent.turns.smart_turn import HEARD_BYTES, SmartTurn, SmartTurnMissing, model_path
from tests.agent.turns.sounds import silence, spoken


@pytest.fixture(name="network", scope="module")
def _network() -> SmartTurn:
    return SmartTurn()


def test_what_was_said_more_than_eight_seconds_ago_changes_nothing(network: SmartTurn) -> None:
    sound = (spoken("I would like to know what it costs, and when you could begin with it.") * 4)[-HEARD_BYTES:]
    assert network.judge(spoken("Good morning.") + sound) == network.judge(sound)


@pytest.mark.parametrize("pcm", [b"", b"\x00\x01", silence(20), b"\xff\x7f" * 160])
def test_any_sound_has_a_probability(network: SmartTurn, pcm: bytes) -> None:
    assert 0.0 <= network.judge(pcm) <= 1.0


def test_it_says_what_the_reference_says(network: SmartTurn) -> None:
    """The whole way, from telephone samples to the probability, as pipecat's own analyzer goes it."""
    features = pytest.importorskip(
        "pipecat.audio.turn.smart_turn._whisper_features",
        reason="pipecat-ai's own feature extraction cannot be imported: there is nothing to compare with",
    )
    for text in ("My number is", "Yes, I would.", "Well, the thing is that we"):
        pcm = spoken(text) + silence(200)
        samples = np.frombuffer(pcm, dtype=np.int16).astype(np.float32) / 32768.0
        wide = soxr.resample(samples, 8_000, 16_000, quality="HQ")
        picture = features.compute_whisper_log_mel_features(np.pad(wide, (128_000 - len(wide), 0)))
        (output,) = network._session.run(None, {"input_features": picture[np.newaxis]})
        assert network.judge(pcm) == pytest.approx(float(output[0, 0]), abs=1e-3)


def test_a_missing_or_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SmartTurnMissing, match=r"nothing\.onnx"):
        SmartTurn(tmp_path / "nothing.onnx")
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no network")
    with pytest.raises(SmartTurnMissing, match=r"broken\.onnx"):
        SmartTurn(broken)
    assert model_path().is_file()
