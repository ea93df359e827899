"""Days and times in what a caller said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.llm import wording
from agent.llm.when import TimeFinder, When, join
from tests.agent.llm.playbooks import energy_meeting, reuniao_energia

FINDER = TimeFinder(energy_meeting().times)


def find(text: str) -> When | None:
    return FINDER.find(wording.split_words(text))


@pytest.mark.parametrize(
    ("said", "text", "day", "time"),
    [
        ("Tomorrow at ten.", "tomorrow at ten", "tomorrow", "at ten"),
        ("yes, on monday morning please", "on Monday morning", "on Monday", "morning"),
        ("how about wednesday at half past two", "Wednesday at half past two", "Wednesday", "at half past two"),
        ("at three", "at three", "", "at three"),
        ("next friday", "next Friday", "next Friday", ""),
        ("the day after tomorrow in the afternoon", "the day after tomorrow in the afternoon",
         "the day after tomorrow", "in the afternoon"),
        ("ten o'clock on tuesday", "ten o'clock on Tuesday", "on Tuesday", "ten o'clock"),
        ("tomorrow at ten thirty a.m.", "tomorrow at ten thirty a m", "tomorrow", "at ten thirty a m"),
        ("tomorrow at then", "tomorrow at ten", "tomorrow", "at ten"),
        ("tonight around too", "tonight around two", "tonight", "around two"),
        ("next week", "next week", "next week", ""),
        ("at noon", "at noon", "", "at noon"),
    ],
)  # fmt: skip
def test_times_are_found_as_said(said: str, text: str, day: str, time: str) -> None:
    found = find(said)
    assert found is not None
    assert (found.text, found.day, found.time) == (text, day, time)


def test_a_span_needs_neither_day_nor_time_beside_it() -> None:
    found = find("call me in an hour")
    assert found is not None
    assert found.text == "in an hour"
    assert found.is_complete


def test_later_is_a_day_without_a_time() -> None:
    found = find("maybe later")
    assert found is not None
    assert (found.has_day, found.has_time, found.is_complete) == (True, False, False)


def test_a_lone_hour_is_marked_as_such() -> None:
    found = find("ten")
    assert found is not None
    assert found.bare_hour


@pytest.mark.parametrize(
    "said", ["", "hello there", "go on then", "for you to decide", "in two", "fifteen minutes is too long"]
)
def test_other_words_are_no_time(said: str) -> None:
    found = find(said)
    assert found is None or found.bare_hour


def test_the_fuller_of_two_expressions_wins() -> None:
    found = find("at nine or better yes i mean tomorrow at ten")
    assert found is not None
    assert found.text == "tomorrow at ten"


def both(one: str, other: str) -> str:
    first, second = find(one), find(other)
    assert second is not None
    return join(first, second).text


def test_answers_in_two_parts_are_joined() -> None:
    assert both("tomorrow", "at ten") == "tomorrow at ten"
    assert both("tomorrow", "ten") == "tomorrow at ten"
    assert both("ten", "tomorrow") == "tomorrow at ten"
    assert both("at ten", "on monday") == "on Monday at ten"


def test_a_correction_replaces_its_part_only() -> None:
    assert both("tomorrow at ten", "at eleven") == "tomorrow at eleven"
    assert both("tomorrow at ten", "on friday") == "on Friday at ten"
    assert both("tomorrow at ten", "monday at nine") == "Monday at nine"


WORDS = [
    "tomorrow",
    "at",
    "ten",
    "to",
    "half",
    "past",
    "then",
    "in",
    "the",
    "yes",
    "monday",
    "morning",
    "o'clock",
    "a",
    "m",
]


@given(st.lists(st.sampled_from(WORDS), max_size=10))
def test_any_words_give_a_time_within_them_or_none(words: list[str]) -> None:
    found = FINDER.find(tuple(words))
    if found is not None:
        assert 0 <= found.first < found.last <= len(words)
        assert found.text


PORTUGUESE = TimeFinder(reuniao_energia().times, "pt-BR")


@pytest.mark.parametrize(
    ("said", "text", "complete"),
    [
        ("amanhã às dez", "amanhã às dez", True),
        ("amanha as dez", "amanhã às dez", True),
        ("na terça às três da tarde", "terça às três da tarde", True),
        ("pode ser segunda-feira de manhã", "segunda-feira de manhã", True),
        ("depois de amanhã às dez e meia", "depois de amanhã às dez e meia", True),
        ("hoje à tarde", "hoje à tarde", True),
        ("às duas horas", "às duas horas", False),
        ("ao meio-dia", "ao meio-dia", False),
        ("semana que vem", "semana que vem", False),
        ("daqui a uma hora", "daqui a uma hora", True),
    ],
)
def test_portuguese_days_and_times_are_written_as_they_are_said(said: str, text: str, *, complete: bool) -> None:
    found = PORTUGUESE.find(wording.split_words(said))
    assert found is not None
    assert (found.text, found.is_complete) == (text, complete)


@pytest.mark.parametrize(("hour", "whole"), [("dez", "amanhã às dez"), ("uma", "amanhã à uma")])
def test_a_portuguese_hour_that_was_asked_for_joins_its_day(hour: str, whole: str) -> None:
    day, clock = PORTUGUESE.find(("amanha",)), PORTUGUESE.find((hour,))
    assert clock is not None
    assert clock.bare_hour
    assert join(day, clock).text == whole
