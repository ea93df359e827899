"""Where sound and events differ is named, and where they do not nothing is."""

from typing import Any

from bench.turn_table.agreement import differences
from bench.turn_table.rows import Who
from bench.turn_table.spurts import Spurt


def turn(speaker: str, started_ms: int, ended_ms: int, text: str = "yes sure") -> dict[str, Any]:
    return {"speaker": speaker, "started_ms": started_ms, "ended_ms": ended_ms, "heard_text": text}


def test_what_agrees_is_not_named() -> None:
    turns = [turn("caller", 680, 1_096), turn("agent", 1_461, 7_881)]
    assert differences(turns, [Spurt(590, 1_110)], [Spurt(1_470, 4_000), Spurt(4_300, 7_860)]) == []


def test_edges_that_are_apart_are_named() -> None:
    (found,) = differences([turn("agent", 1_000, 5_000)], [], [Spurt(1_000, 3_000)])
    assert (found.who, found.at_ms) == (Who.AGENT, 1_000)
    assert found.text == "1.00: the agent's “yes sure” ends 2000 ms after its sound"


def test_a_turn_that_nobody_hears_is_named() -> None:
    (found,) = differences([turn("agent", 1_000, 5_000)], [], [])
    assert found.text.endswith("cannot be heard by itself")


def test_sound_without_a_turn_is_named() -> None:
    (found,) = differences([turn("agent", 0, 5_000)], [Spurt(2_000, 2_460)], [Spurt(0, 5_000)])
    assert found.text == "2.00: the caller is heard for 460 ms, in no turn"


def test_two_turns_of_one_breath_are_one_stretch_of_sound() -> None:
    turns = [turn("caller", 1_000, 2_300), turn("caller", 2_600, 4_000)]
    assert differences(turns, [Spurt(980, 4_010)], []) == []


def test_an_answer_of_which_nothing_was_heard_is_not_looked_for() -> None:
    assert differences([turn("agent", 1_000, 1_000, "")], [], []) == []
