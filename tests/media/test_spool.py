"""A recording's files on the node's disk: found again, read up to what is torn, whole after a failed write."""

import errno
import os
from pathlib import Path

import pytest

from events.ids import new_id
from media.recording.blocks import Block, pack
from media.recording.spool import Spool, leftovers, new_meta

SECOND = b"\x10" * 8_000


def block(number: int) -> Block:
    return Block(number * 8_000, 8_000, (SECOND, SECOND, b""))


def written(folder: Path, seconds: int) -> Spool:
    spool = Spool(folder, new_meta(new_id(), new_id()))
    for number in range(seconds):
        spool.append(pack(block(number)))
    return spool


def test_blocks_come_back_whatever_the_size(tmp_path: Path) -> None:
    spool = written(tmp_path, 200)  # several times what is read at once
    assert [found.start for found in spool.blocks()] == [number * 8_000 for number in range(200)]
    assert spool.extent().duration_s == 200
    offset = spool.extent().size_bytes // 2
    assert [found.start for found in spool.blocks(offset)] == [number * 8_000 for number in range(100, 200)]


def test_a_torn_end_and_what_follows_it_are_left_out(tmp_path: Path) -> None:
    spool = written(tmp_path, 3)
    with spool.audio_path.open("ab") as file:
        file.write(pack(block(3))[:-1])
    assert spool.extent().duration_s == 3


def test_an_earlier_process_spools_are_found(tmp_path: Path) -> None:
    spool = written(tmp_path, 1)
    (tmp_path / "half.json").write_text('{"org_id": "no')
    found = leftovers(tmp_path)
    assert [(item.meta, item.extent()) for item in found] == [(spool.meta, spool.extent())]
    found[0].remove()
    assert [path.name for path in tmp_path.iterdir()] == ["half.json"]


def test_a_write_that_failed_halfway_is_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = written(tmp_path, 2)
    real, calls = os.write, []

    def fills_up(fd: int, data: bytes) -> int:
        calls.append(len(data))
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, "full")
        return real(fd, data[:100])

    monkeypatch.setattr("media.recording.spool.os.write", fills_up)
    with pytest.raises(OSError, match="full"):
        spool.append(pack(block(2)))
    monkeypatch.undo()
    assert spool.audio_path.stat().st_size == spool.extent().size_bytes
    spool.append(pack(block(2)))
    assert spool.extent().duration_s == 3
