"""What a telephone sends: voice, room and echo in one frame, and nothing when there is none of them."""

import numpy as np
import pytest

from telephony.carrier.loudspeaker import Loudspeaker
from telephony.carrier.surroundings import Surroundings, room
from telephony.carrier.ulaw import FRAME_SAMPLES, Pcm

VOICE: Pcm = np.full(FRAME_SAMPLES, 5_000, np.int16)


def test_nothing_around_leaves_all_as_it_is() -> None:
    around = Surroundings()
    assert around.around(None, None) is None
    assert around.around(None, VOICE) is None
    assert around.around(VOICE, VOICE) is VOICE


def test_a_room_is_as_low_as_asked_and_repeats() -> None:
    around = Surroundings(room(-60, 0))
    frames = [around.around(None, None) for _ in range(100)]
    sound = np.concatenate([frame for frame in frames if frame is not None]).astype(np.float64)
    assert len(sound) == 16_000
    assert 20 * np.log10(np.sqrt(np.mean(sound**2)) / 32_768) == pytest.approx(-60, abs=1)
    assert np.array_equal(sound[:8_000], sound[8_000:])


def test_voice_and_noise_are_heard_together() -> None:
    noise = room(-50, 1)
    sent = Surroundings(noise).around(VOICE, None)
    assert sent is not None
    assert np.array_equal(sent, VOICE + noise[:FRAME_SAMPLES])


def test_an_echo_is_added_to_the_voice() -> None:
    around = Surroundings(loudspeaker=Loudspeaker(20, 6, 0))
    assert around.around(None, VOICE) is None  # it is on its way
    sent = around.around(VOICE, None)
    alone = Loudspeaker(20, 6, 0)
    alone.hear(VOICE)
    echo = alone.hear(None)
    assert sent is not None
    assert echo is not None
    assert np.max(np.abs(echo)) > 100
    assert np.allclose(sent, VOICE + echo, atol=1)


def test_what_is_too_loud_is_clipped_not_wrapped() -> None:
    loud = np.full(FRAME_SAMPLES, 32_000, np.int16)
    sent = Surroundings(loud).around(loud, None)
    assert sent is not None
    assert np.all(sent == 32_767)
