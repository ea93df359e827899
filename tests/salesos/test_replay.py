"""`salesos replay` against a small real server: which spans are asked for, and what is told."""

from pathlib import Path
from uuid import UUID

import pytest

from config.settings import Settings
from events import wire
from salesos.replay import BadTime, Wish, place_of, run_replay
from tests.salesos.small_crm import SmallCrm, small_crm

CALL = UUID("01a20a05-1ed3-703d-93b5-94ce532f4276")

__all__ = ["small_crm"]


@pytest.mark.parametrize(
    ("told", "before", "place"),
    [
        ("", True, ""),
        ("1763805600000-3", True, "1763805600000-3"),
        ("2025-11-22T10:00", True, "1763805599999-999999999999999"),
        ("2025-11-22T11:00+01:00", False, "1763805600000"),
    ],
)
def test_a_moment_or_an_entry_is_a_place(told: str, *, before: bool, place: str) -> None:
    assert place_of(told, before=before) == place


@pytest.mark.parametrize("told", ["yesterday", "1763805600000", "1969-12-31"])
def test_what_is_neither_is_refused(told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BadTime):
        place_of(told, before=True)
    assert run_replay(Settings(data_dir=tmp_path), Wish(since=told)) == 2
    assert repr(told) in capsys.readouterr().out


def test_every_stream_to_its_end(small_crm: SmallCrm, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parts = [(200, {"done": {"repeated": 200}, "next": "7-0"}), *[(200, {"done": {"applied": 1}, "next": None})] * 16]
    small_crm.answers["POST"] = list(parts)
    assert run_replay(Settings(crm_url=small_crm.url, data_dir=tmp_path), Wish()) == 0
    assert "16 applied, 200 repeated" in capsys.readouterr().out
    assert [body["after"] for body in small_crm.bodies[:3]] == ["0-0", "7-0", "0-0"]
    assert {body["stream"] for body in small_crm.bodies} == set(wire.all_event_streams())


def test_one_call_begins_with_what_could_not_be_applied(small_crm: SmallCrm, tmp_path: Path) -> None:
    small_crm.answers |= {
        "GET": (200, [{"id": "second"}, {"id": "first"}]),
        "POST": [
            (200, {"done": "applied"}),
            (409, {"code": "dead_event_fails"}),
            (200, {"done": {"repeated": 3}, "next": None}),
        ],
    }
    assert run_replay(Settings(crm_url=small_crm.url, data_dir=tmp_path), Wish(until="9-1", call=CALL)) == 1
    assert small_crm.asked[1:] == [
        "POST /internal/events/dead/first/retry",
        "POST /internal/events/dead/second/retry",
        "POST /internal/events/replay",
    ]
    assert small_crm.bodies == [
        {"stream": wire.event_stream(CALL), "after": "0-0", "until": "9-1", "call_id": str(CALL)}
    ]


def test_a_crm_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_replay(Settings(crm_url="http://127.0.0.1:9", data_dir=tmp_path), Wish(stream=3)) == 1
    assert "does not answer" in capsys.readouterr().out


def test_an_organisations_calls_are_rebuilt_part_by_part(
    small_crm: SmallCrm, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    part = {"calls": 20, "calls_changed": 2, "missing": 0, "leads_left": 1, "untouched": 0}
    small_crm.answers["POST"] = [
        (200, {**part, "changed": {"turns": 3}, "next": str(CALL)}),
        (200, {**part, "changed": {"turns": 1, "lead": 1}, "next": None}),
    ]
    settings = Settings(crm_url=small_crm.url, data_dir=tmp_path)
    wish = Wish(since="2025-11-22T10:00", call=CALL, organisation=CALL, calls_decide=True, dry_run=True)
    assert run_replay(settings, wish) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "40 calls looked at, 4 would change: 1 lead, 4 turns." in told
    assert "2 leads stand elsewhere than their calls say" in told
    assert small_crm.asked == [f"POST /internal/organisations/{CALL}/events/rebuild"] * 2
    assert small_crm.bodies[0] == {
        **{"from": "2025-11-22T10:00:00+00:00", "call_id": str(CALL), "calls_decide": True, "dry_run": True},
    }
    assert small_crm.bodies[1]["after"] == str(CALL)


def test_calls_that_cannot_be_made_whole_are_told(
    small_crm: SmallCrm, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = {"calls": 2, "calls_changed": 0, "missing": 3, "leads_left": 0, "untouched": 1, "changed": {}, "next": None}
    small_crm.answers["POST"] = [(200, told)]
    assert run_replay(Settings(crm_url=small_crm.url, data_dir=tmp_path), Wish(organisation=CALL)) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "3 events never were applied" in said
    assert "1 calls stay as they are" in said


@pytest.mark.parametrize(
    "wish", [Wish(dry_run=True), Wish(stream=3, organisation=CALL), Wish(until="x", organisation=CALL)]
)
def test_wishes_that_do_not_go_together_are_refused(wish: Wish, tmp_path: Path) -> None:
    assert run_replay(Settings(data_dir=tmp_path), wish) == 2
