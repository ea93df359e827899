"""Blocks to one Ogg Opus file, about an eighth of the WAV (RFC 7845). Blocking and heavy: in a thread of low priority.

The same blocks give the same bytes on the same build of libopus: no random serial number, no time of encoding.
"""

import io
from collections.abc import Iterable
from typing import Final

import av
import numpy as np

from media.frame import RATE_HZ
from media.recording.blocks import Block, Extent
from media.recording.join import pcm_pieces

BIT_RATE: Final = 32_000  # of all channels together; telephone speech has nothing above 4 kHz
_LAYOUTS: Final = {2: "stereo", 3: "3.0"}


def opus_file(blocks: Iterable[Block], extent: Extent) -> bytes:
    """Return the whole file; `extent` must be that of the same blocks, later ones are left out."""
    layout = _LAYOUTS[extent.channels]
    target = io.BytesIO()
    with av.open(target, "w", format="ogg", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libopus", rate=RATE_HZ, options={"application": "voip"})
        stream.bit_rate = BIT_RATE
        stream.layout = layout
        reached = 0
        for pcm in pcm_pieces(blocks, extent):
            if not len(pcm):
                continue
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(pcm).reshape(1, -1), format="s16", layout=layout)
            frame.sample_rate = RATE_HZ
            frame.pts = reached
            reached += len(pcm)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return target.getvalue()
