"""Blocks become one file in which every voice stands where it was."""

import io
import wave

import numpy as np
from hypothesis import given

from media.codec import g711
from media.recording.blocks import Block, extent, pack
from media.recording.join import pcm_pieces, wav_bytes, wav_pieces
from tests.media.test_blocks import rows

LOUD = g711.encode(np.full(4, 8_000, dtype=np.int16))
QUIET = g711.encode(np.full(4, 500, dtype=np.int16))


def test_voices_stand_beside_each_other_and_gaps_are_silent() -> None:
    blocks = [Block(2, 4, (LOUD, b"", b"")), Block(8, 4, (b"", QUIET, b""))]
    pcm = np.concatenate(list(pcm_pieces(blocks, extent(b"".join(map(pack, blocks))))))
    loud, quiet = g711.decode(LOUD)[0], g711.decode(QUIET)[0]
    assert pcm.tolist() == [[0, 0]] * 2 + [[loud, 0]] * 4 + [[0, 0]] * 2 + [[0, quiet]] * 4


def test_a_person_who_spoke_has_a_channel_of_their_own() -> None:
    blocks = [Block(0, 4, (LOUD, b"", b"")), Block(4, 4, (b"", b"", QUIET))]
    pcm = np.concatenate(list(pcm_pieces(blocks, extent(b"".join(map(pack, blocks))))))
    assert pcm.shape == (8, 3)
    assert pcm[4:, 2].all()
    assert not pcm[:4, 2].any()


@given(rows())
def test_the_file_is_of_the_size_that_was_foretold_and_can_be_played(blocks: list[Block]) -> None:
    covers = extent(b"".join(map(pack, blocks)))
    raw = b"".join(wav_pieces(blocks, covers))
    assert len(raw) == wav_bytes(covers)
    with wave.open(io.BytesIO(raw)) as file:
        assert (file.getnchannels(), file.getnframes(), file.getframerate()) == (
            covers.channels,
            blocks[-1].end,
            8_000,
        )


def test_what_was_written_since_is_left_out() -> None:
    early, late = Block(0, 4, (LOUD, b"", b"")), Block(4, 4, (LOUD, b"", b""))
    covers = extent(pack(early))
    assert len(b"".join(wav_pieces([early, late], covers))) == wav_bytes(covers)
