"""The conversation on the screen, in plain text as a pipe gets it."""

import pytest

from salesos import call_view
from salesos.call_view import CallView
from salesos.screen import Screen
from tests.salesos.test_summary import NEVER_ANSWERED, WHOLE


def turn(**fields: object) -> dict[str, object]:
    known = {
        "speaker": "agent",
        "text": "One two.",
        "heard_text": "One two.",
        "started_ms": 61_234,
        "response_ms": None,
    }
    return known | fields


def test_a_turn_shows_when_who_what_and_how_fast(capsys: pytest.CaptureFixture[str]) -> None:
    view = CallView(Screen())
    view.show("turn.finished", turn(response_ms=480))
    assert capsys.readouterr().out == "  1:01.2  agent   One two.  after 480 ms\n"


def test_what_was_not_heard_is_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    CallView(Screen()).show("turn.finished", turn(text="One two three.", heard_text="One two"))
    assert "One two  not heard: “three.”" in capsys.readouterr().out


def test_text_that_looks_like_markup_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    CallView(Screen()).show("turn.finished", turn(speaker="caller", text="[red]no[/red]", heard_text=""))
    assert "[red]no[/red]" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("kind", "body", "shown"),
    [
        ("call.state_changed", {"state": "failed", "reason": "line_busy"}, "failed: line_busy"),
        ("call.answered", {}, "answered"),
        ("call.answerer_known", {"answered_by": "machine", "source": "carrier"}, "answered by: machine (carrier)"),
        (
            "turn.barged_in",
            {"at_ms": 2_500, "stopped_after_ms": 180},
            "0:02.5  barge-in: the agent stopped after 180 ms",
        ),
        ("fact.noted", {"kind": "meeting_booked", "text": "", "when": "tomorrow"}, "noted: meeting_booked (tomorrow)"),
        (
            "caller.understood",
            {
                "mood": "negative",
                "sentiment": -0.63,
                "confidence": 0.7,
                "objections": ["price"],
                "quotes": ["too much"],
            },
            "sounds negative (-0.63, sure to 70%), objection: price (“too much”)",
        ),
        (
            "caller.understood",
            {"mood": "neutral", "sentiment": 0.1, "confidence": 0.2, "objections": ["no_interest"], "quotes": []},
            "  objection: no interest\n",
        ),
        ("caller.angry", {"turn": 3, "level": -0.9}, "the caller is angry"),
        ("recording.failed", {"reason": "disk_full"}, "no recording: disk_full"),
    ],
)
def test_other_events(kind: str, body: dict[str, object], shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    CallView(Screen()).show(kind, body)
    assert shown in capsys.readouterr().out


def test_the_summary_says_what_came_of_it_and_where_to_listen(capsys: pytest.CaptureFixture[str]) -> None:
    call_view.show_summary(Screen(), WHOLE, "http://crm/calls/1")
    out = capsys.readouterr().out
    for words in ("ended · goal_reached", "median 400 ms", "0.5 spent, 4.5 left", "/r.wav", "http://crm/calls/1"):
        assert words in out


def test_what_sounds_like_nothing_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    plain = {"mood": "neutral", "sentiment": 0.0, "confidence": 0.0, "objections": [], "quotes": []}
    CallView(Screen()).show("caller.understood", plain)
    assert capsys.readouterr().out == ""


def test_the_summary_shows_notes_and_objections(capsys: pytest.CaptureFixture[str]) -> None:
    notes = {
        "status": "written",
        "summary": "They want solar.",
        "fields": {"email": "a@b.c", "interests": ["sun", "roof"]},
    }
    understood = {"objections": [{"kind": "no_interest"}, {"kind": "price"}], "notes": notes}
    call_view.show_summary(Screen(), WHOLE | understood, "http://crm/calls/1")
    out = capsys.readouterr().out
    for shown in ("no interest, price", "They want solar.", "a@b.c", "sun, roof"):
        assert shown in out


def test_the_summary_of_a_call_that_nobody_answered(capsys: pytest.CaptureFixture[str]) -> None:
    call_view.show_summary(Screen(), NEVER_ANSWERED, "http://crm/calls/1")
    assert "failed · line_busy" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "heard", "rest"),
    [("a b c", "a b", "c"), ("a b", "a b", ""), ("a b", "", "a b"), ("a b", "x", ""), ("", "", "")],
)
def test_not_heard(text: str, heard: str, rest: str) -> None:
    assert call_view.not_heard(text, heard) == rest


@pytest.mark.parametrize(
    ("credits", "shown"), [(None, "?"), (0, "0"), (5_000_000, "5,000"), (1_250, "1.25"), (1, "0.001")]
)
def test_credits(credits: int | None, shown: str) -> None:  # noqa: A002 - money, not the interpreter's notice
    assert call_view.credits_of(credits) == shown
