"""The load client's play-out: order, gaps, marks and clear, by the carrier's rules."""

from hypothesis import given
from hypothesis import strategies as st

from bench.earpiece import Earpiece

SOUND = b"\x00" * 160  # 20 ms
SILENCE = b"\xff" * 160


def test_audio_plays_at_once_and_then_in_order() -> None:
    earpiece = Earpiece()
    first, second = earpiece.play(SOUND * 3, 10.0), earpiece.play(SOUND, 10.01)
    assert (first.starts, second.starts) == (10.0, 10.06)
    assert (first.gap_s, second.gap_s) == (0.0, 0.0)
    assert round(earpiece.free_at, 6) == 10.08


def test_a_buffer_that_runs_dry_is_a_gap() -> None:
    earpiece = Earpiece()
    earpiece.play(SOUND, 10.0)
    assert round(earpiece.play(SOUND, 10.05).gap_s, 6) == 0.03


def test_silence_around_the_sound_is_not_sound() -> None:
    played = Earpiece().play(SILENCE + SOUND + SILENCE, 1.0)
    assert (played.starts, played.sound_s) == (1.02, 0.02)
    assert Earpiece().play(SILENCE, 1.0).sound_s == 0.0


def test_a_mark_is_due_when_the_audio_before_it_has_played_and_at_once_when_there_is_none() -> None:
    earpiece = Earpiece()
    earpiece.mark("idle", 1.0)
    assert earpiece.due(1.0) == ["idle"]
    earpiece.play(SOUND, 2.0)
    earpiece.mark("behind", 2.0)
    assert earpiece.due(2.019) == []
    assert earpiece.due(2.021) == ["behind"]


def test_clear_drops_the_rest_and_echoes_every_pending_mark() -> None:
    earpiece = Earpiece()
    earpiece.play(SOUND * 50, 3.0)
    earpiece.mark("one", 3.0)
    earpiece.mark("two", 3.0)
    assert earpiece.clear(3.1) == ["one", "two"]
    assert earpiece.free_at == 3.1
    assert earpiece.due(9.0) == []
    assert earpiece.play(SOUND, 3.2).starts == 3.2


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 12)), min_size=1))
def test_what_is_heard_never_overlaps_and_gaps_make_up_the_rest(pieces: list[tuple[int, int]]) -> None:
    """Pieces of (wait in 10 ms, length in 20 ms): sound and gaps together fill the time to the end."""
    earpiece, now, began, filled = Earpiece(), 1.0, 0.0, 0.0
    for wait, length in pieces:
        now += wait / 100
        free_before = earpiece.free_at
        played = earpiece.play(SOUND * length, now)
        assert played.starts >= max(free_before, now)
        began = began or played.starts
        filled += played.gap_s + played.sound_s
    assert abs(earpiece.free_at - began - filled) < 1e-6
