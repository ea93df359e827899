"""The floor: the voice activity's own delay on the client's speech."""

from bench.floor import find_floor
from bench.utterance import speak_two_seconds
from media.activity.detector import Thresholds


def test_the_floor_is_the_closing_silence_and_a_little_more() -> None:
    floor = find_floor(speak_two_seconds())
    rule = Thresholds()
    assert floor.response_ms is not None
    assert rule.stop_ms <= floor.response_ms <= rule.stop_ms + 250
    assert floor.barge_in_ms is not None
    assert rule.start_ms - 60 <= floor.barge_in_ms <= rule.start_ms + 250
