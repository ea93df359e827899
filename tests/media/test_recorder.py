"""What a recorder's notes become on disk: in their places, muted, cut, and whole up to a clock that jumps."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from events.ids import new_id
from media.codec import g711
from media.recording.join import pcm_pieces
from media.recording.recorder import AHEAD_MAX_MS, SETTLED_AFTER_MS, ClockJumped, Recorder
from media.recording.spool import Spool, leftovers, new_meta

VOICE = g711.encode(np.full(160, 4_000, dtype=np.int16))
TONE = g711.encode(np.full(8_000, 2_000, dtype=np.int16))


def spool(folder: Path) -> Spool:
    return Spool(folder, new_meta(new_id(), new_id()))


def read(written: Spool) -> NDArray[np.int16]:
    return np.concatenate(list(pcm_pieces(written.blocks(), written.extent())))


def heard(recorder: Recorder, until_ms: int) -> None:
    for at_ms in range(0, until_ms, 20):
        recorder.heard_from_prospect(at_ms, VOICE)


def write(recorder: Recorder, end_ms: int | None = None) -> None:
    recorder.write(recorder.take(), elapsed_ms=0, end_ms=end_ms)


def test_both_channels_are_written_up_to_the_end_of_the_call(tmp_path: Path) -> None:
    recorder = Recorder(spool(tmp_path), muted=False)
    heard(recorder, 1_000)
    recorder.played_to_prospect(500, TONE)
    write(recorder, end_ms=1_000)
    pcm = read(recorder.spool)
    assert pcm.shape == (8_000, 2)
    assert pcm[:, 0].all()
    assert not pcm[:4_000, 1].any()
    assert pcm[4_000:, 1].all()
    assert [found.meta for found in leftovers(tmp_path)] == [recorder.spool.meta]


def test_a_person_gets_the_third_channel(tmp_path: Path) -> None:
    recorder = Recorder(spool(tmp_path), muted=False)
    heard(recorder, 1_000)
    recorder.heard_from_person(200, VOICE)
    write(recorder, end_ms=1_000)
    pcm = read(recorder.spool)
    assert pcm.shape == (8_000, 3)
    assert np.flatnonzero(pcm[:, 2]).tolist() == list(range(1_600, 1_760))


def test_nothing_is_heard_before_the_disclosure(tmp_path: Path) -> None:
    recorder = Recorder(spool(tmp_path), muted=True)
    heard(recorder, 400)
    write(recorder)
    recorder.heard_from_prospect(400, VOICE * 30)
    recorder.unmute(600)
    write(recorder, end_ms=1_000)
    pcm = read(recorder.spool)
    assert not pcm[:4_800].any()
    assert pcm[4_800:, 0].all()


def test_a_call_without_disclosure_leaves_silence(tmp_path: Path) -> None:
    recorder = Recorder(spool(tmp_path), muted=True)
    heard(recorder, 1_000)
    recorder.played_to_prospect(0, TONE)
    write(recorder, end_ms=1_000)
    assert not read(recorder.spool).any()


def test_what_was_cleared_is_not_in_it(tmp_path: Path) -> None:
    recorder = Recorder(spool(tmp_path), muted=False)
    recorder.played_to_prospect(0, TONE)
    recorder.cleared(250)
    write(recorder, end_ms=1_000)
    assert int(np.count_nonzero(read(recorder.spool)[:, 1])) == 250 * 8


def test_all_but_the_last_moment_is_written_while_the_call_runs(tmp_path: Path) -> None:
    """What a killed process loses: this moment, and what came since the last round of writing."""
    recorder = Recorder(spool(tmp_path), muted=False)
    heard(recorder, 3_000)
    recorder.played_to_prospect(2_950, TONE[:1_600])  # a lead ahead of the present
    write(recorder)
    assert recorder.spool.extent().samples == (3_000 - SETTLED_AFTER_MS) * 8
    recorder.cleared(2_990)
    heard_again = read(recorder.spool)
    assert heard_again[:, 0].all()


def test_the_agent_is_written_while_nothing_is_heard(tmp_path: Path) -> None:
    recorder = Recorder(spool(tmp_path), muted=False)
    recorder.played_to_prospect(0, TONE * 3)
    write(recorder)
    assert recorder.spool.extent().samples == 2 * 8_000


def test_a_clock_that_jumps_ends_the_recording_where_it_was(tmp_path: Path) -> None:
    recorder = Recorder(spool(tmp_path), muted=False)
    heard(recorder, 1_000)
    recorder.heard_from_prospect(AHEAD_MAX_MS + 3_600_000, VOICE)
    with pytest.raises(ClockJumped):
        write(recorder, end_ms=AHEAD_MAX_MS * 99)
    assert recorder.spool.extent().samples <= AHEAD_MAX_MS * 8


def test_a_recording_that_was_given_up_takes_nothing_more(tmp_path: Path) -> None:
    recorder = Recorder(spool(tmp_path), muted=False)
    recorder.give_up("disk_full")
    recorder.give_up("disk_slow")
    heard(recorder, 100)
    assert (recorder.failed, recorder.take()) == ("disk_full", [])
