"""What came out of the earpiece: holes where nothing came, nothing of what was taken back."""

import pytest

from bench.failover.line_sound import LineSound, longest_wait_s
from bench.providers.toned_speech import Tones

KNOWN = Tones(("one", "two"))


def test_sound_lies_where_it_was_played() -> None:
    sound = LineSound(100.0)
    sound.play(KNOWN.word("one", 240), 101.0)
    sound.play(KNOWN.word("two", 240), 101.24)
    sound.play(KNOWN.word("one", 240), 103.0)
    assert [word.text for word in sound.words(KNOWN)] == ["one", "two", "one"]
    assert [word.text for word in sound.words(KNOWN, 1.0)] == ["one"]
    times = [moment for span in sound.spans() for moment in span]
    assert times == pytest.approx([101.0, 101.48, 103.0, 103.24])


def test_what_was_not_played_is_taken_back_and_what_follows_comes_behind_it() -> None:
    sound = LineSound(0.0)
    sound.play(KNOWN.word("one", 240) + KNOWN.word("two", 240), 0.5)
    sound.clear(0.74)
    sound.play(KNOWN.word("one", 240), 1.0)
    assert [word.text for word in sound.words(KNOWN)] == ["one", "one"]
    sound.clear(9.0)
    assert sound.played_bytes == 8 * 1_240


def test_only_silence_that_the_other_s_sound_ends_counts() -> None:
    own = [(1.0, 3.0), (9.0, 10.0)]
    assert longest_wait_s(own, [(0.2, 0.4), (3.5, 5.0), (5.75, 6.0), (10.25, 11.0)]) == 0.75
    assert longest_wait_s(own, [(2.0, 3.5), (10.5, 11.0)]) == 0.5
    assert longest_wait_s(own, []) == 0
    assert longest_wait_s([], [(1.0, 2.0), (8.0, 9.0)]) == 0
