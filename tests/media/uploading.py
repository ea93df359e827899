"""Spools with known audio, and an uploader at work on them."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import numpy as np

from events.ids import new_id
from events.sealed_audio import MasterKey
from media.recording.blocks import Block, pack
from media.recording.join import wav_pieces
from media.recording.spool import Spool, SpoolMeta, new_meta
from media.recording.store import Objects
from media.recording.uploader import Uploader

HALF = 4_000
NODE = "voice-7"
MASTER = MasterKey("m" * 32)
NOISE = np.random.default_rng(1).integers(0, 127, 1 << 20, dtype=np.uint8).tobytes()


def meta_of(**changes: str) -> SpoolMeta:
    return new_meta(new_id(), new_id(), **changes)


def say(spool: Spool, halves: range, *, person: bool = False) -> None:
    for number in halves:
        voice = NOISE[number * 97 :][:HALF]
        spool.append(pack(Block(number * HALF, HALF, (voice, voice[::-1], voice if person else b""))))


def spooled(folder: Path, halves: int, meta: SpoolMeta | None = None) -> Spool:
    spool = Spool(folder / "spool", meta or meta_of())
    say(spool, range(halves))
    spool.close()
    return spool


def uploader(objects: Objects, master: MasterKey | None = None) -> Uploader:
    return Uploader(objects, "s3://store", NODE, master)


@contextlib.asynccontextmanager
async def running(part: Uploader) -> AsyncGenerator[None]:
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(part.run())
        yield
        task.cancel()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - what is waited for is a server's count
            await asyncio.sleep(0.01)


def audio_of(spool: Spool) -> bytes:
    return b"".join(wav_pieces(spool.blocks(), spool.extent()))


def sealed_meta(key: bytes, recording_format: str = "wav") -> SpoolMeta:
    org_id = new_id()
    return new_meta(org_id, new_id(), recording_format=recording_format, wrapped_key=MASTER.wrap(key, org_id))
