"""From probabilities to the beginning and end of a voice."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from media.activity.detector import (
    WINDOW_MS,
    Detector,
    Thresholds,
    VoiceEnded,
    VoicePaused,
    VoiceResumed,
    VoiceSignal,
    VoiceStarted,
)

Signals = list[VoiceSignal]


def feed(detector: Detector, windows: list[tuple[float, float]]) -> Signals:
    signals: Signals = []
    for number, (probability, rms) in enumerate(windows, start=1):
        signal = detector.window(probability, number * WINDOW_MS, rms)
        if signal is not None:
            signals.append(signal)
    return signals


VOICE, QUIET = (0.9, 0.2), (0.05, 0.001)


def test_a_voice_is_known_after_three_windows_and_placed_at_its_first() -> None:
    signals = feed(Detector(), [QUIET] * 5 + [VOICE] * 4)
    assert signals == [VoiceStarted(first_voiced_ms=5 * WINDOW_MS, at_ms=8 * WINDOW_MS)]


def test_a_beginning_is_known_before_it_is_a_voice() -> None:
    detector = Detector()
    begins = []
    for number, (probability, rms) in enumerate([QUIET] * 2 + [VOICE] * 4 + [QUIET] * 20 + [VOICE, QUIET], start=1):
        detector.window(probability, number * WINDOW_MS, rms)
        begins.append(detector.begins)
    assert begins == [False] * 2 + [True] * 2 + [False] * 22 + [True, False]


def test_going_on_is_known_before_it_is_certain() -> None:
    detector = Detector()
    begins = []
    for number, (probability, rms) in enumerate([VOICE] * 10 + [QUIET] * 6 + [VOICE] * 3, start=1):
        detector.window(probability, number * WINDOW_MS, rms)
        begins.append(detector.begins)
    assert begins == [True] * 2 + [False] * 14 + [True] + [False] * 2


def test_a_click_is_no_voice() -> None:
    assert feed(Detector(), ([QUIET] * 3 + [VOICE] * 2) * 10) == []


def test_the_end_is_placed_at_the_last_loud_window() -> None:
    lingering = (0.6, 0.001)  # the network still says voice, the line is quiet
    signals = feed(Detector(), [VOICE] * 10 + [lingering] * 2 + [QUIET] * 20)
    assert isinstance(signals[-1], VoiceEnded)
    assert signals[-1].last_voiced_ms == 10 * WINDOW_MS


def test_a_pause_shorter_than_the_stop_is_part_of_the_utterance() -> None:
    stop = Thresholds().stop_ms // WINDOW_MS
    signals = feed(Detector(), [VOICE] * 5 + [QUIET] * (stop - 1) + [VOICE] * 5)
    assert [type(signal) for signal in signals] == [VoiceStarted, VoicePaused, VoiceResumed]


def test_a_pause_and_its_end_are_told_once() -> None:
    signals = feed(Detector(), [VOICE] * 10 + [QUIET] * 6 + [VOICE] * 6)
    assert [type(signal) for signal in signals] == [VoiceStarted, VoicePaused, VoiceResumed]
    assert isinstance(signals[1], VoicePaused)
    assert signals[1].at_ms - 10 * WINDOW_MS == Thresholds().pause_ms


def test_a_flicker_in_a_pause_is_not_the_voice() -> None:
    signals = feed(Detector(), [VOICE] * 10 + [QUIET] * 6 + [VOICE] + [QUIET] * 20)
    assert [type(signal) for signal in signals] == [VoiceStarted, VoicePaused, VoiceEnded]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=300))
def test_starts_and_ends_alternate_in_order(windows: list[tuple[float, float]]) -> None:
    signals = [signal for signal in feed(Detector(), windows) if isinstance(signal, VoiceStarted | VoiceEnded)]
    for one, other in pairwise(signals):
        assert type(one) is not type(other)
        assert one.at_ms <= other.at_ms
    for signal in signals:
        if isinstance(signal, VoiceEnded):
            assert signal.first_voiced_ms <= signal.last_voiced_ms <= signal.at_ms


def test_a_bang_that_dies_away_is_no_voice_though_the_network_hears_one() -> None:
    bang = [(0.8, 0.3 * 0.55**window) for window in range(6)]
    assert feed(Detector(), [QUIET] * 20 + [*bang, QUIET, QUIET]) == []


def test_a_voice_that_follows_a_bang_is_one() -> None:
    bang = [(0.8, 0.3 * 0.5**window) for window in range(4)]
    signals = feed(Detector(), [QUIET] * 20 + bang + [VOICE] * 3)
    assert [type(signal) for signal in signals] == [VoiceStarted]
    assert signals[0].at_ms <= 27 * WINDOW_MS


def test_in_noise_the_end_is_where_the_voice_sank_into_it() -> None:
    """The network holds on to a voice for some windows; they are as loud as the street was before it."""
    street, lingering = (0.05, 0.03), (0.6, 0.03)
    signals = feed(Detector(), [street] * 40 + [VOICE] * 10 + [lingering] * 4 + [street] * 20)
    assert isinstance(signals[-1], VoiceEnded)
    assert signals[-1].last_voiced_ms == 50 * WINDOW_MS


def test_an_open_voice_tells_below_which_loudness_it_is_quiet() -> None:
    detector = Detector()
    assert detector.hush_rms == 0.0
    for number in range(1, 11):
        detector.window(0.9, number * WINDOW_MS, 0.2)
    assert 0.0 < detector.hush_rms < 0.05
    for number in range(11, 40):
        detector.window(0.0, number * WINDOW_MS, 0.001)
    assert detector.hush_rms == 0.0
