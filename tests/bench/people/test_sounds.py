"""Who talks without a pause says their words over and over, from wherever they begin."""

import numpy as np

from bench.people.sounds import Talk
from media.frame import FRAME_SAMPLES


def test_talk_goes_round() -> None:
    pcm = np.repeat(np.arange(3, dtype=np.int16), FRAME_SAMPLES)
    talk = Talk(np.concatenate([pcm, pcm[:10]]), begin_frame=1)
    said = [talk.frame(0.0) for _ in range(4)]
    assert [int(frame[0]) for frame in said] == [2, 0, 1, 2]
    assert {len(frame) for frame in said} == {FRAME_SAMPLES}
