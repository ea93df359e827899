"""Sounds: files of all kinds, the beep's purity, the cough's shape."""

import wave
from pathlib import Path

import numpy as np
import pytest

from telephony.carrier import clip
from telephony.carrier.clip import BadAudio, Kind


def write_wav(
    path: Path, samples: "np.ndarray[tuple[int, ...], np.dtype[np.int16]]", rate_hz: int, channels: int
) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(samples.tobytes())


def tone(rate_hz: int, seconds: float = 1.0) -> "np.ndarray[tuple[int, ...], np.dtype[np.int16]]":
    return (np.sin(2 * np.pi * 440 * np.arange(int(rate_hz * seconds)) / rate_hz) * 8_000).astype(np.int16)


def test_beep_is_a_pure_tone_of_1000_hz() -> None:
    beep = clip.beep(500)
    spectrum = np.abs(np.fft.rfft(beep.pcm.astype(np.float64))) ** 2
    peak_hz = int(np.argmax(spectrum)) * 2
    assert peak_hz == 1_000
    assert spectrum[495:506].sum() / spectrum.sum() > 0.99
    assert len(beep.pcm) == 4_000


def test_cough_is_loud_short_and_repeatable() -> None:
    one, two, other = clip.cough(250, 1), clip.cough(250, 1), clip.cough(250, 2)
    assert np.array_equal(one.pcm, two.pcm)
    assert not np.array_equal(one.pcm, other.pcm)
    assert len(one.pcm) == 2_000
    assert 8_000 < np.max(np.abs(one.pcm)) <= 9_000


@pytest.mark.parametrize(("rate_hz", "channels"), [(8_000, 1), (16_000, 1), (44_100, 2)])
def test_wav_of_any_rate_becomes_8_khz(tmp_path: Path, rate_hz: int, channels: int) -> None:
    path = tmp_path / "a.wav"
    write_wav(path, np.repeat(tone(rate_hz), channels), rate_hz, channels)
    loaded = clip.load(path)
    assert loaded.kind is Kind.PLAY
    assert abs(len(loaded.pcm) - 8_000) <= 1
    spectrum = np.abs(np.fft.rfft(loaded.pcm.astype(np.float64), 8_000))
    assert int(np.argmax(spectrum)) == 440


def test_raw_is_16_khz(tmp_path: Path) -> None:
    path = tmp_path / "a.raw"
    path.write_bytes(tone(16_000).tobytes())
    assert abs(len(clip.load(path).pcm) - 8_000) <= 1


def test_audible_part_is_marked() -> None:
    pcm = np.concatenate([np.zeros(100, np.int16), np.full(50, 1_000, np.int16), np.zeros(70, np.int16)])
    marked = clip.clip_of(Kind.SAY, "x", pcm)
    assert (marked.first, marked.last) == (100, 150)


@pytest.mark.parametrize(("pause_ms", "kept_ms"), [(500, 200), (200, 200), (90, 90)])
def test_long_pauses_of_speech_are_cut_and_short_ones_stay(pause_ms: int, kept_ms: int) -> None:
    word, silence = np.full(1_600, 4_000, np.int16), np.zeros(pause_ms * 8, np.int16)
    spoken = clip.speech("a, b", np.concatenate([silence, word, silence, word, silence]), 8_000, 200)
    loud = np.flatnonzero(np.abs(spoken.pcm) > 1_000)
    assert len(loud) == 3_200
    assert np.max(np.diff(loud)) - 1 == kept_ms * 8
    assert spoken.first <= 160
    assert len(spoken.pcm) - spoken.last <= 160


def test_unusable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadAudio, match=r"nowhere\.wav"):
        clip.load(tmp_path / "nowhere.wav")
    (tmp_path / "text.wav").write_text("not sound")
    with pytest.raises(BadAudio, match=r"text\.wav"):
        clip.load(tmp_path / "text.wav")
    (tmp_path / "empty.raw").write_bytes(b"")
    with pytest.raises(BadAudio, match="empty"):
        clip.load(tmp_path / "empty.raw")
    write_wav(tmp_path / "long.wav", np.zeros(8_000 * 121, np.int16), 8_000, 1)
    with pytest.raises(BadAudio, match="120 s"):
        clip.load(tmp_path / "long.wav")


def test_pieces_are_joined_with_pauses_of_exact_length() -> None:
    word = np.concatenate([np.zeros(160, np.int16), np.full(800, 4_000, np.int16), np.zeros(160, np.int16)])
    piece = clip.clip_of(Kind.SAY, "a", word)
    joined = clip.halting("a a a", [piece] * 3, [700, 1_200])
    edges = np.flatnonzero(np.diff((joined.pcm > 0).astype(np.int8)))
    assert np.diff(edges).tolist() == [800, 700 * 8, 800, 1_200 * 8, 800]
    assert (joined.text, joined.first, len(joined.pcm) - joined.last) == ("a a a", 160, 160)


def test_one_piece_stays_as_it_is() -> None:
    piece = clip.clip_of(Kind.SAY, "a", np.full(800, 4_000, np.int16))
    assert np.array_equal(clip.halting("a", [piece], []).pcm, piece.pcm)


def test_loudness_is_that_of_speech_not_of_its_pauses() -> None:
    word, silence = np.full(1_600, 4_000, np.int16), np.zeros(1_600, np.int16)
    assert clip.loudness(np.concatenate([word, silence])) == pytest.approx(4_000)
    assert clip.loudness(silence) == 0


def test_a_ring_is_two_tones_that_beat() -> None:
    made = clip.ring(1_000)
    assert (made.kind, len(made.pcm)) == (Kind.RING, 8_000)
    power = np.abs(np.fft.rfft(made.pcm))
    assert sorted(np.argsort(power)[-2:].tolist()) == [440, 480]
