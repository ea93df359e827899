"""A table of made calls says what was made."""

import msgspec

from bench.turn_table.figures import overview, text_of, turn_table
from media.frame import RATE_HZ
from tests.bench.turn_table.made_sound import channel

# The caller says hello, is answered after 0.4 s, says "uh-huh", interrupts, is answered after 1.5 s, and the agent
# goes on after 3 s; then both are cut off in the middle of the caller's word.
CALLER = [(500, 1_000), (3_000, 3_400), (5_800, 7_500), (14_000, 15_000)]
AGENT = [(1_400, 6_000), (9_000, 10_500), (13_500, 13_600)]
TABLE = turn_table("made", channel(CALLER, 15_000), channel(AGENT, 15_000), RATE_HZ)


def test_the_figures_are_those_of_the_sound() -> None:
    assert TABLE.duration_ms == 15_000
    assert TABLE.to_agent_ms.count == 2
    assert TABLE.to_agent_ms.max == 1_500
    assert (TABLE.overlaps, TABLE.overlap_ms, TABLE.agent_over_caller_ms) == (2, 600, 0)
    assert TABLE.yielded_ms.max == 200
    assert TABLE.longest_silence is not None
    assert TABLE.longest_silence.ms == 3_000
    assert (TABLE.caller_share, TABLE.agent_share) == (0.24, 0.413)


def test_what_a_listener_would_notice_is_told_in_its_order() -> None:
    assert TABLE.told == (
        "9.00: the agent answers after 1.50 s",
        "10.50: nobody is heard for 3.00 s",
        "15.00: the call ends while the caller speaks",
    )


def test_an_agent_that_talks_over_the_caller_is_told() -> None:
    table = turn_table("over", channel([(0, 2_000), (4_000, 7_000)], 9_000), channel([(1_600, 5_000)], 9_000), RATE_HZ)
    assert table.agent_over_caller_ms == 400
    assert table.told == (
        "1.60: the agent begins while the caller speaks, and both are heard for 0.40 s",
        "4.00: the agent speaks on for 1.00 s over a caller who began",
    )


def test_an_agent_that_halts_in_its_talk_is_told() -> None:
    agent = [(1_000, 2_000), (2_350, 3_000), (3_800, 6_000)]
    table = turn_table("halting", channel([], 7_000), channel(agent, 7_000), RATE_HZ)
    assert table.told == ("3.00: the agent halts for 0.80 s in the middle of its talk",)


def test_text_has_a_line_for_each_row_and_each_finding() -> None:
    lines = text_of(TABLE).splitlines()
    assert lines[0] == "made, 15.00 s"
    assert lines[2].split() == ["0.50", "1.00", "caller", "turn"]
    assert "    5.80    7.50  caller     -0.20   0.20  barge-in" in lines
    assert sum(line.startswith("! ") for line in lines) == 3
    assert overview([TABLE]).splitlines()[1].split()[:4] == ["made", "0.95", "1.45", "1.50"]


def test_silence_has_a_table_too() -> None:
    table = turn_table("nobody", channel([], 3_000), channel([], 3_000), RATE_HZ)
    assert (table.rows, table.told, table.longest_silence) == ((), (), None)
    assert "gaps caller to agent: none" in text_of(table)


def test_differences_from_events_stand_in_text_and_json() -> None:
    turns = [{"speaker": "agent", "heard_text": "hello", "started_ms": 1_400, "ended_ms": 4_000}]
    table = turn_table("made", channel(CALLER, 15_000), channel(AGENT, 15_000), RATE_HZ, turns)
    assert "? 1.40: the agent's “hello” ends 2000 ms before its sound" in text_of(table).splitlines()
    assert msgspec.json.decode(msgspec.json.encode(table))["differences"]
