"""What the pages show."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.calls.derived import WATERFALL_STAGES
from crm.pages.view import CHART_WIDTH, STAGE_NAMES, as_clock, as_credits, as_words, charts, split_heard


@pytest.mark.parametrize(
    ("text", "heard", "expected"),
    [
        ("Hello there.", "Hello there.", ("Hello there.", "")),
        ("Hello there, Dana.", "Hello there,", ("Hello there,", " Dana.")),
        ("Hello there.", "", ("", "Hello there.")),
        ("Hello there, Dana.", "hello  there", ("Hello there,", " Dana.")),
        ("Hi.", "Hi there everybody", ("Hi.", "")),
    ],
)
def test_what_was_heard_is_told_from_what_was_not(text: str, heard: str, expected: tuple[str, str]) -> None:
    assert split_heard(text, heard) == expected


@given(st.text(), st.text())
def test_the_parts_join_to_the_text(text: str, heard: str) -> None:
    assert "".join(split_heard(text, heard)) == text


@pytest.mark.parametrize(
    ("thousandths", "shown"),
    [(None, "–"), (0, "0"), (5_000_000, "5 000"), (2_500, "2.5"), (-1, "-0.001"), (-300_000, "-300"), (1_050, "1.05")],
)
def test_credits(thousandths: int | None, shown: str) -> None:
    assert as_credits(thousandths) == shown


def test_clock_and_words() -> None:
    assert (as_clock(62_340), as_clock(0), as_clock(None)) == ("1:02.3", "0:00.0", "")
    assert (as_words("goal_reached"), as_words(None)) == ("goal reached", "–")


def test_stages_stand_side_by_side() -> None:
    [chart] = charts([{"turn": 2, "vad_ms": 200, "transcript_ms": 500, "first_token_ms": 450, "played_ms": 1000}])
    assert [(bar.stage, bar.x, bar.width) for bar in chart["bars"]] == [
        ("vad_ms", 0, 120),
        ("transcript_ms", 120, 180),
        ("played_ms", 300, 300),
    ]


@given(st.lists(st.dictionaries(st.sampled_from(WATERFALL_STAGES), st.none() | st.integers(-100, 20_000))))
def test_bars_stay_in_the_chart(rows: list[dict[str, int | None]]) -> None:
    for chart in charts([{"turn": 1, **row} for row in rows]):
        assert all(bar.x >= 0 and bar.width >= 0 and bar.x + bar.width <= CHART_WIDTH + 0.01 for bar in chart["bars"])


def test_every_stage_has_a_name() -> None:
    assert set(STAGE_NAMES) == set(WATERFALL_STAGES)
