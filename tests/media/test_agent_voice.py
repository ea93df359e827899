"""The agent's voice on a line with delays and stalls: what is heard, told and recorded."""

from hypothesis import given, settings
from hypothesis import strategies as st

from media.fade import FADE_MS
from tests.media.call import Call

delays = st.integers(0, 80)


def test_a_room_that_does_not_speak_leaves_the_clock_alone() -> None:
    call = Call()
    assert not call.subscribers
    call.say(500)
    assert call.subscribers
    call.live(700)
    assert call.told.played_out == 1
    assert not call.subscribers


@settings(deadline=None, max_examples=25)
@given(delays, delays)
def test_a_reply_is_heard_told_and_recorded_where_it_was_played(there_ms: int, back_ms: int) -> None:
    call = Call(there_ms=there_ms, back_ms=back_ms)
    speech = call.say(1_500)
    call.live(2_200)
    assert call.told.sent_at == [200 - back_ms]
    assert call.told.played_out == 1
    assert call.voice.heard_ms == 1_500
    place = call.far.heard.index(speech[FADE_MS * 8 :]) - FADE_MS * 8
    recorded = call.agent_track().index(speech[FADE_MS * 8 :]) - FADE_MS * 8
    assert abs(recorded - place) <= 20 * 8
    assert abs(call.told.playing_from[0] * 8 - place) <= 20 * 8


@settings(deadline=None, max_examples=25)
@given(delays, delays, st.integers(15, 60), st.integers(100, 900))
def test_after_a_pause_speech_stands_where_it_was_played(
    there_ms: int, back_ms: int, cut_frames: int, silent_ms: int
) -> None:
    call = Call(there_ms=there_ms, back_ms=back_ms)
    speech = call.say(3_000)
    call.live(cut_frames * 20)
    call.voice.pause()
    heard_ms = call.voice.heard_ms
    call.live(silent_ms)
    assert call.voice.heard_ms == heard_ms, "nothing is heard while it is paused"
    from_ms = max(0, heard_ms - 200)
    call.voice.resume(from_ms)
    call.live(4_000)
    assert call.clears == 1
    again = speech[(from_ms + FADE_MS) * 8 :]
    assert abs(call.agent_track().index(again) - call.far.heard.index(again)) <= 20 * 8
    before = speech[FADE_MS * 8 : (heard_ms - 40) * 8]
    assert abs(call.agent_track().index(before) - call.far.heard.index(before)) <= 20 * 8


@settings(deadline=None, max_examples=25)
@given(delays, st.lists(st.integers(1, 150), min_size=1, max_size=5))
def test_stalls_of_the_loop_neither_sound_nor_move_the_recording(back_ms: int, stalls: list[int]) -> None:
    """Marks are read late after a stall, and so are the frames before them: their stamps tell the true time."""
    call = Call(back_ms=back_ms)
    speech = call.say(4_000)
    call.live(200)
    for stall in stalls:
        call.stall(stall)
        call.live(300)
    call.live(4_000)
    place = call.far.heard.index(speech[FADE_MS * 8 :])
    assert abs(call.agent_track().index(speech[FADE_MS * 8 :]) - place) <= 20 * 8
    assert call.voice.underruns == 0


def test_a_longer_stall_is_heard_and_counted() -> None:
    call = Call()
    call.say(2_000)
    call.live(300)
    call.stall(500)
    call.live(2_500)
    assert call.voice.underruns == 1
    assert call.told.played_out == 1


def test_a_late_stretch_does_not_move_the_next() -> None:
    """A socket that held audio back makes one stretch late; what follows is recorded where it is heard."""
    call = Call()
    call.far.there_ms = 250
    call.say(600)
    call.live(1_500)
    call.far.there_ms = 0
    second = call.say(600, from_ms=5_000)
    call.live(1_500)
    place = call.far.heard.index(second[FADE_MS * 8 :])
    assert abs(call.agent_track().index(second[FADE_MS * 8 :]) - place) <= 20 * 8


def test_a_cut_fades_and_the_recording_has_the_fade() -> None:
    call = Call()
    speech = call.say(2_000)
    call.live(400)
    call.voice.pause()
    call.live(200)
    heard_ms = call.voice.heard_ms
    track = call.agent_track()
    start = track.index(speech[800:1_600]) - 800
    assert len(track) == start + (heard_ms + FADE_MS) * 8
    assert track[-8:] != speech[(heard_ms + FADE_MS) * 8 - 8 : (heard_ms + FADE_MS) * 8]
    assert track in bytes(call.far.heard) or track[: -20 * 8] in bytes(call.far.heard)


def test_what_was_dropped_is_not_heard() -> None:
    call = Call()
    speech = call.say(2_000)
    call.live(400)
    call.voice.drop_reply()
    heard_ms = call.voice.reply_ms
    call.live(600)
    assert speech[(heard_ms + 40) * 8 : (heard_ms + 60) * 8] not in call.far.heard
    assert not call.subscribers
