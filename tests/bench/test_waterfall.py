"""Where an answer's time goes, from its moments."""

from bench.waterfall import STAGES, stages_of, table


def test_a_stage_takes_what_passed_since_the_one_before() -> None:
    rows = [{"vad_ms": 200, "end_of_turn_ms": 350, "transcript_ms": 340, "first_token_ms": None, "first_audio_ms": 450}]
    stages = {stage.name: stage for stage in stages_of(rows)}
    assert list(stages) == list(STAGES)
    assert (stages["vad_ms"].took_ms.p50, stages["end_of_turn_ms"].took_ms.p50) == (200, 150)
    assert stages["transcript_ms"].took_ms.p50 == 0, "it was there before the turn was over"
    assert stages["first_audio_ms"].took_ms.p50 == 100, "since the latest moment that is known"
    assert stages["first_token_ms"].reached_ms.count == 0
    assert stages["first_audio_ms"].reached_ms.p50 == 450


def test_the_table_leaves_out_what_was_not_seen_and_draws_the_rest() -> None:
    lines = table(stages_of([{"vad_ms": 100, "played_ms": 400}, {"vad_ms": 110, "played_ms": 420}])).splitlines()
    assert len(lines) == 3
    assert lines[1].split("2")[0].strip() == "voice activity says silence"
    assert lines[2].count("█") > lines[1].count("█") > 0
    assert table(stages_of([])).count("\n") == 0
