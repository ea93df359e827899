"""Made sounds have the lengths and levels that they are said to have."""

import wave
from pathlib import Path

import numpy as np
import pytest

from bench.turns import sounds
from media.frame import SAMPLES_PER_MS


def test_speech_has_no_silence_at_its_edges_and_its_words_end_in_order() -> None:
    said = sounds.say("who is calling please", "en-us", 165)
    assert sounds.edges(said.sound) == (0, len(said.sound) // 80 * 80)
    ends = [end_ms for _, end_ms in said.words]
    assert [word for word, _ in said.words] == ["who", "is", "calling", "please"]
    assert ends == sorted(ends)
    assert ends[-1] == pytest.approx(len(said.sound) / SAMPLES_PER_MS, abs=1)


def test_a_street_is_as_loud_as_it_is_said_to_be() -> None:
    assert np.sqrt(np.mean(sounds.street(3_000, 500, 1).astype(float) ** 2)) == pytest.approx(500, rel=0.02)


def test_the_room_around_a_recording_is_no_speech() -> None:
    speech = sounds.say("ten of clubs", "en-us", 165).sound
    room = np.random.default_rng(1).normal(0, sounds.loudness(speech) / 20, 8_000).astype(np.int16)
    first, last = sounds.loud_part(np.concatenate([room, speech, room]))
    assert first == pytest.approx(8_000, abs=800)
    assert last == pytest.approx(8_000 + len(speech), abs=1_600)


def test_recordings_are_brought_to_the_telephones_rate(tmp_path: Path) -> None:
    path = tmp_path / "wide.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(np.repeat(np.arange(16_000, dtype=np.int16), 2).tobytes())
    assert len(sounds.read(path)) == pytest.approx(8_000, abs=2)
    raw = tmp_path / "wide.raw"
    raw.write_bytes(bytes(32_000))
    assert len(sounds.read(raw)) == pytest.approx(8_000, abs=2)


@pytest.mark.parametrize("content", [b"", b"no sound at all"])
def test_what_is_no_recording_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.wav"
    path.write_bytes(content)
    with pytest.raises(sounds.BadRecording, match=r"bad\.wav"):
        sounds.read(path)
    with pytest.raises(sounds.BadRecording, match=r"away\.wav"):
        sounds.read(tmp_path / "away.wav")
