"""What a comparison is worth."""

from typing import Any

import msgspec
import pytest

from bench.floor import Floor
from bench.load_report import LoadRun, Spread, spread
from bench.peer.figures import OURS, Round, called, middle, new_report, new_round, ratios, sides, table


def run(core_per_call: float = 0.01, turns: int = 40, **changes: Any) -> LoadRun:
    values: dict[str, Any] = dict.fromkeys(LoadRun.__struct_fields__, 0)
    values |= {"calls": 4, "void": (), "void_tries": (), "seconds": 60.0, "core_per_call": core_per_call}
    values |= {"response_ms": Spread(turns, 300.0, 345.0, 350.0, 351.0), "barge_in_ms": spread([200.0])}
    values |= {"pacing_jitter_ms": spread([1.0]), "ahead_ms": spread([180.0]), "loop_lag_ms": None}
    return LoadRun(**(values | changes))


def rounds(*pairs: tuple[float, float]) -> list[Round]:
    return [new_round({OURS: run(ours), "default": run(theirs)}) for ours, theirs in pairs]


def test_the_ratio_is_theirs_by_ours_over_all_rounds_that_count() -> None:
    void = new_round({OURS: run(0.01), "default": run(9.0, void=("stolen",))})
    report = new_report(4, [*rounds((0.01, 0.14), (0.02, 0.16)), void], Floor(280.0, 90.0), {})
    assert report.ratio_core_per_call == {"default": 10.0, "lean": None}
    assert middle(report, "default", lambda one: one.core_per_call) == pytest.approx(0.15)
    assert sides(report) == [OURS, "default"]
    assert ratios(report, "default") == [14.0, 8.0]
    assert ratios(report, "lean") == []


@pytest.mark.parametrize(
    ("theirs", "reason"),
    [
        (run(void=("stolen",)), "default: stolen"),
        (run(lost_calls=1), "default: 1 calls were lost"),
        (run(turns=0), "default: 0 turns unanswered, 0 answered"),
        (run(unanswered=3), "default: 3 turns unanswered, 40 answered"),
        (run(turns=29), "default: 29 turns where another had 40"),
    ],
)
def test_a_round_in_which_a_side_did_not_answer_is_void(theirs: LoadRun, reason: str) -> None:
    one = new_round({OURS: run(), "default": theirs})
    assert reason in one.void
    assert new_report(4, [one], Floor(None, None), {}).ratio_core_per_call["default"] is None


def test_a_few_unanswered_turns_and_slower_answers_do_not_void_a_round() -> None:
    assert new_round({OURS: run(turns=40), "default": run(turns=36, unanswered=1)}).void == ()


def test_the_json_has_the_ratios_by_profile_and_every_rounds_figures() -> None:
    report = msgspec.to_builtins(new_report(4, rounds((0.01, 0.15)), Floor(280.0, 90.0), {"uvloop": "1"}))
    assert set(report["ratio_core_per_call"]) == {"default", "lean"}
    assert report["rounds"][0]["runs"]["default"]["core_per_call"] == 0.15
    assert report["rounds"][0]["runs"][OURS]["response_ms"]["p50"] == 300.0


def test_the_table_says_who_answered_how_often_and_what_does_not_count() -> None:
    text = table(new_report(4, rounds((0.01, 0.15)), Floor(280.0, 90.0), {}))
    assert called("default") in text
    assert "15.0 times ours (by round: 15.0)" in text
    assert "lean" not in text, "it was not measured"
    void = new_round({OURS: run(), "lean": run(turns=0)})
    assert "VOID: lean: 0 turns" in table(new_report(4, [void], Floor(None, None), {}))
