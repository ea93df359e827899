"""Words by their pitch: understood at any loudness, with holes and cuts as they are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.providers.toned_speech import Tones, audible
from media.codec import g711
from media.codec.g711 import ULAW_SILENCE

WORDS = [f"w{number}" for number in range(Tones.MAX)]
KNOWN = Tones(WORDS)


def silence(ms: int) -> bytes:
    return ULAW_SILENCE * (8 * ms)


@given(
    st.lists(st.tuples(st.sampled_from(WORDS), st.integers(60, 900)), min_size=1, max_size=8),
    st.floats(0.1, 3.0),
    st.integers(0, 200),
)
def test_every_word_is_understood_at_its_place_whatever_its_loudness(
    said: list[tuple[str, int]], gain: float, before_ms: int
) -> None:
    sound, places = silence(before_ms), []
    for word, pause_ms in said:
        places.append((word, len(sound) // 8))
        sound += KNOWN.word(word, 240) + silence(pause_ms)
    pcm = np.clip(g711.decode(sound).astype(np.float64) * gain, -32_767, 32_767)
    heard = KNOWN.understand(g711.encode(pcm.astype(np.int16)))
    assert [word.text for word in heard] == [word for word, _ in places]
    for made_out, (_, at_ms) in zip(heard, places, strict=True):
        assert abs(made_out.start_ms - at_ms) <= 25
        assert abs(made_out.end_ms - at_ms - 240) <= 25


def test_a_word_with_a_hole_is_two_and_a_scrap_is_none() -> None:
    sound = KNOWN.word("w3", 140) + silence(300) + KNOWN.word("w3", 240) + silence(100) + KNOWN.word("w9", 80)
    assert [(word.text, word.end_ms - word.start_ms > 200) for word in KNOWN.understand(sound)] == [
        ("w3", False),
        ("w3", True),
    ]
    assert KNOWN.understand(silence(500)) == []
    assert KNOWN.understand(b"") == []


def test_noise_is_no_word_but_is_heard() -> None:
    noise = np.random.default_rng(1).normal(0, 3_000, 4_000).astype(np.int16)
    sound = silence(100) + g711.encode(noise) + silence(100)
    assert KNOWN.understand(sound) == []
    assert audible(sound) == [(100, 600)]
    assert audible(silence(300)) == []


def test_more_words_than_pitches_are_refused() -> None:
    with pytest.raises(ValueError, match=f"at most {Tones.MAX} words"):
        Tones([*WORDS, "one more"])
