"""An echo's delay, loudness and linearity, whatever the frames are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bench.turns.sounds import say
from telephony.carrier.loudspeaker import Loudspeaker
from telephony.carrier.ulaw import FRAME_SAMPLES, Pcm

Sound = NDArray[np.float64]
FRAMES = 100


def voice(frames: int = FRAMES, seed: int = 1) -> Pcm:
    """Return noise in the band of telephones, swelling as syllables do."""
    chance = np.random.default_rng(seed)
    spectrum = np.fft.rfft(chance.standard_normal(frames * FRAME_SAMPLES))
    hz = np.fft.rfftfreq(frames * FRAME_SAMPLES, 1 / 8_000)
    spectrum[(hz < 400) | (hz > 2_500)] = 0
    sound = np.fft.irfft(spectrum)
    return np.asarray(sound / np.std(sound) * 3_000, np.int16)


def played(way: Loudspeaker, sound: Pcm | None, frames: int = FRAMES) -> Sound:
    """Return all that comes back while `sound` is played, then silence."""
    back = []
    for place in range(frames):
        frame = None if sound is None else sound[place * FRAME_SAMPLES : (place + 1) * FRAME_SAMPLES]
        echo = way.hear(frame if frame is not None and len(frame) else None)
        back.append(np.zeros(FRAME_SAMPLES) if echo is None else echo.astype(np.float64))
    return np.concatenate(back)


@pytest.mark.parametrize("delay_ms", [20, 150, 245, 350, 600])
@pytest.mark.parametrize("room_ms", [0, 150])
def test_comes_back_when_it_should(delay_ms: int, room_ms: int) -> None:
    click = np.zeros(FRAME_SAMPLES, np.int16)
    click[0] = 20_000
    back = played(Loudspeaker(delay_ms, 12, room_ms), click)
    first = int(np.flatnonzero(np.abs(back) > 1)[0])
    assert delay_ms * 8 <= first <= delay_ms * 8 + 64  # the loudspeaker's own response takes 8 ms
    if not room_ms:
        assert not np.any(back[delay_ms * 8 + 64 :])


@pytest.mark.parametrize("loss_db", [12, 18, 25])
@pytest.mark.parametrize("room_ms", [0, 100, 300])
def test_is_as_much_softer_as_it_should(loss_db: float, room_ms: int) -> None:
    sound = voice()
    back = played(Loudspeaker(200, loss_db, room_ms), sound, FRAMES + 30)
    found = 10 * np.log10(np.sum(sound.astype(np.float64) ** 2) / np.sum(back**2))
    assert found == pytest.approx(loss_db, abs=1.5)


def test_speech_loses_a_little_more_for_a_loudspeaker_has_no_bass() -> None:
    narrow = say("Do you look after the electricity bills?", "en-us", 150).sound
    narrow = narrow[: len(narrow) // FRAME_SAMPLES * FRAME_SAMPLES]
    back = played(Loudspeaker(200, 15, 100), narrow, len(narrow) // FRAME_SAMPLES + 30)
    found = 10 * np.log10(np.sum(narrow.astype(np.float64) ** 2) / np.sum(back**2))
    assert 14 < found < 21


@given(st.integers(20, 600), st.integers(0, 300), st.lists(st.booleans(), min_size=1, max_size=60))
def test_frames_make_no_difference(delay_ms: int, room_ms: int, sounding: list[bool]) -> None:
    """Frame by frame it is the convolution of the whole, also where nothing is played for a while."""
    sound = voice(len(sounding))
    sound = np.where(np.repeat(sounding, FRAME_SAMPLES), sound, 0).astype(np.int16)
    way = Loudspeaker(delay_ms, 15, room_ms, seed=3)
    back = []
    for place, loud in enumerate(sounding):
        echo = way.hear(sound[place * FRAME_SAMPLES : (place + 1) * FRAME_SAMPLES] if loud else None)
        back.append(np.zeros(FRAME_SAMPLES) if echo is None else echo)
    whole = np.convolve(np.concatenate([np.zeros(delay_ms * 8), sound]), way._way)[: len(sound)]
    assert np.allclose(np.concatenate(back), whole, atol=0.5)


def test_silence_comes_back_as_nothing() -> None:
    way = Loudspeaker(250, 15, 150)
    assert way.hear(None) is None
    played(way, voice(10), 10)
    assert [way.hear(None) is not None for _ in range(60)].index(False) < 25, "the echo is over at last"


def test_a_delay_shorter_than_a_frame_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 20"):
        Loudspeaker(19, 15, 0)
