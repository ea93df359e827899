"""Each fault of a call is seen."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.failover.case import ANSWERS, HEARD, vocabulary
from bench.failover.judging import CallFound, judge, without_fillers, words_heard
from bench.providers.coded_speech import WORD_MS, CodedWord
from media.codec.g711 import ULAW_SILENCE

WORDS = tuple(word for answer in ANSWERS for word in answer.split())
GOOD = CallFound(1, "model", "cut", "goal_reached", WORDS, ANSWERS, (HEARD,) * 3, 1.0, True, struck=("openai:m",))


def test_a_good_call_has_no_fault() -> None:
    assert judge(GOOD).faults == ()
    in_parts = (*HEARD.split(" ", 1), HEARD, HEARD)
    assert judge(msgspec.structs.replace(GOOD, understood=in_parts)).faults == ()
    one = msgspec.structs.replace(GOOD, heard=WORDS[:8], remembered=ANSWERS[:1], understood=(HEARD,))
    assert judge(one, ANSWERS[:1]).faults == ()
    assert judge(msgspec.structs.replace(GOOD, struck=(), killed=("openai:m",))).faults == ()
    moment = ("One", "moment,", "please.")
    bridged = msgspec.structs.replace(GOOD, heard=(*moment, *WORDS), remembered=("One moment, please.", *ANSWERS))
    assert judge(bridged).faults == ()


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"outcome": "service_failure"}, "did not go on: service_failure"),
        ({"heard": WORDS[1:]}, f"missing ['{WORDS[0]}']"),
        ({"heard": (*WORDS[:3], WORDS[2], *WORDS[3:])}, f"twice ['{WORDS[2]}']"),
        ({"heard": (WORDS[1], WORDS[0], *WORDS[2:])}, "missing [], twice []"),
        ({"remembered": ANSWERS[:2]}, "remembered"),
        ({"understood": (HEARD,) * 2}, "of 3 utterances"),
        ({"understood": (HEARD, f"{HEARD} please", HEARD)}, "of 3 utterances"),
        ({"struck": ()}, "no provider died"),
        ({"understood": (HEARD, HEARD, "yes")}, "of 3 utterances"),
    ],
)
def test_whatever_is_wrong_is_named(changes: dict[str, Any], fault: str) -> None:
    assert any(fault in found for found in judge(msgspec.structs.replace(GOOD, **changes)).faults)


def test_the_beginning_of_a_word_that_is_said_again_is_not_a_word() -> None:
    sound = [
        CodedWord("a", 0, 240),
        CodedWord("b", 300, 420),
        CodedWord("b", 1_500, 1_740),
        CodedWord("c", 1_800, 2_040),
    ]
    assert words_heard(sound) == ["a", "b", "c"]
    sound[1] = CodedWord("b", 300, 540)
    assert words_heard(sound) == ["a", "b", "b", "c"]


@given(st.integers(0, 159), st.sampled_from(WORDS), st.integers(60, 400))
def test_a_whole_word_that_was_said_twice_is_two_wherever_it_lies(offset: int, word: str, pause_ms: int) -> None:
    known = vocabulary()
    sound = ULAW_SILENCE * (800 + offset) + known.word(word, WORD_MS) + ULAW_SILENCE * (8 * pause_ms)
    assert words_heard(known.understand(sound + known.word(word, WORD_MS))) == [word, word]
    assert words_heard(known.understand(sound[: -8 * (pause_ms + 60)] + sound)) == [word]


def test_fillers_are_left_out_wherever_they_are() -> None:
    assert without_fillers(["Hello!", "a", "One", "moment,", "please.", "b", "moment,", "please."]) == [
        "a",
        "b",
        "moment,",
        "please.",
    ]
