"""Recordings on their way to the object store: segments while a call runs, one verified object when it is over.

One uploader a process, a few transfers at a time. What is said here holds at every step at which the process may be
killed: the spool is removed by the caller after `finish`, segments go only when the recording has been read back
whole, and `finish` begun again finds what is already there and does not upload it twice.

The recording is made from the spool; from the segments only when the node's disk is gone (`restore_lost`).
"""

import asyncio
import math
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final, TypeVar
from uuid import UUID

import msgspec
import structlog

from events.sealed_audio import BadKey, BadSeal, CallSeal, MasterKey, sealed_size
from media.recording import segments
from media.recording.blocks import Extent, extent
from media.recording.join import wav_bytes, wav_pieces
from media.recording.opus import opus_file
from media.recording.read_back import holds, read_whole
from media.recording.segments import SEGMENT_S, Joined, Manifest, SegmentNote
from media.recording.spool import Spool, SpoolMeta, decode_meta, encode_meta
from media.recording.store import Objects, StoreUnavailable

LOOK_EVERY_S: Final = 5.0
SPOOL_LAG_S: Final = 2.0  # what was said is in the spool after this
TRANSFERS_MAX: Final = 4
RETRY_FIRST_S: Final = 5.0
RETRY_MAX_S: Final = 60.0
DISK_TIMEOUT_S: Final = 30.0  # for reading a spool once, four hours' included
MAKE_S_PER_S: Final = 0.1  # Opus takes 0.008 of the call's time on an idle core, and here it waits for calls
_NICE: Final = 10  # joining may wait; the calls' audio may not
T = TypeVar("T")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Stored:
    """Sizes and sums are of the audio file as people hear it, before sealing."""

    uri: str
    key: str
    channels: int
    duration_s: float
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Lost:
    """A call whose disk was lost: its spool made again, or what had already been stored of it."""

    spool: Spool
    stored: Stored | None


@dataclass(slots=True)
class _Running:
    """A call whose segments go while it runs."""

    spool: Spool
    began_at: float
    look_at: float
    offset: int = 0  # of the spool, up to which segments are stored
    notes: list[SegmentNote] = field(default_factory=list)
    named: bool = False  # the store knows whose they are
    over: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Uploader:
    """The process's one way into the store. `run` is its task, for segments; `finish` may be called without it."""

    def __init__(self, objects: Objects, address: str, node: str, master: MasterKey | None) -> None:
        self._objects = objects
        self._address = address.rstrip("/")
        self._node = node
        self._master = master
        self._running: dict[Spool, _Running] = {}
        self._transfers = asyncio.Semaphore(TRANSFERS_MAX)
        self._thread = ThreadPoolExecutor(2, "recording-upload", initializer=_be_nice)
        self._retry_s = RETRY_FIRST_S
        self._retry_at = 0.0
        self.segments = 0  # stored by this process; read by metrics
        self.store_up = True

    def begin(self, spool: Spool) -> None:
        """The call is recorded from now on: its segments go as they fill."""
        now = asyncio.get_running_loop().time()
        self._running[spool] = _Running(spool, now, now + SEGMENT_S + SPOOL_LAG_S)

    def drop(self, spool: Spool) -> None:
        """Upload no more segments of it: it is finished, or left to a later start."""
        running = self._running.pop(spool, None)
        if running is not None:
            running.over = True

    async def run(self) -> None:
        """Upload segments as they fill, until cancelled. A store that is away is asked again, ever more rarely."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            now = loop.time()
            due = [running for running in self._running.values() if now >= running.look_at]
            if due and now >= self._retry_at:
                await self._look(due)

    async def _look(self, due: list[_Running]) -> None:
        # One first: a store that is away is not asked once a call.
        if await self._send_segments(due[0]):
            async with asyncio.TaskGroup() as tasks:
                for running in due[1:]:
                    tasks.create_task(self._send_segments(running), name="recording.segments")

    async def _send_segments(self, running: _Running) -> bool:
        """Upload a call's full segments; False when the store would not take them."""
        try:
            while running.look_at <= asyncio.get_running_loop().time():
                await self._send_segment(running)
        except (StoreUnavailable, OSError, TimeoutError) as error:
            if not isinstance(error, StoreUnavailable) or error.of_this_call:
                # Not the store's fault: this call goes without segments, its spool still becomes a recording.
                log.warning("recording.no_segments", call_id=running.spool.meta.call_id, reason=type(error).__name__)
                running.look_at = math.inf
                return True
            self._retry_at = asyncio.get_running_loop().time() + self._retry_s
            self._retry_s = min(self._retry_s * 2, RETRY_MAX_S)
            if self.store_up:
                log.warning("recording.segments_wait", reason=str(error) or type(error).__name__)
            self.store_up = False
            return False
        self._retry_s = RETRY_FIRST_S
        if not self.store_up:
            log.info("recording.segments_resumed")
        self.store_up = True
        return True

    async def _send_segment(self, running: _Running) -> None:
        """Upload the next segment if it is full, and set the time for another look."""
        spool, meta = running.spool, running.spool.meta
        async with running.lock, self._transfers:
            piece = None if running.over else await self._in_thread(lambda: _next_cut(spool, running.offset))
            if piece is None:
                running.look_at = asyncio.get_running_loop().time() + LOOK_EVERY_S
                return
            if not running.named:
                await self._put(segments.unfinished_key(self._node, meta), encode_meta(meta).encode())
                running.named = True
            number = len(running.notes) + 1
            seal = self.seal_of(meta)
            body = piece.blocks if seal is None else await self._in_thread(lambda: b"".join(seal.seal([piece.blocks])))
            await self._put(segments.segment_key(meta, number), body)
            running.notes.append(piece.note(number, datetime.now(UTC).isoformat()))
            running.offset += len(piece.blocks)
            running.look_at = running.began_at + piece.extent.duration_s + SEGMENT_S + SPOOL_LAG_S
            manifest = segments.manifest_of(meta, self._node, running.notes)
            await self._put(segments.manifest_key(meta), msgspec.json.encode(manifest))
            self.segments += 1

    # When the call is over

    async def finish(self, spool: Spool) -> Stored | None:
        """Make the spool one object, verified by reading it back, and remove its segments; None: nothing was recorded.

        Raises:
            StoreUnavailable: the spool and what is in the store stay as they are; try again later.
            OSError, TimeoutError: the node's disk failed.
        """
        running = self._running.get(spool)
        if running is not None:
            running.over = True
            async with running.lock:
                pass  # a segment on its way arrives first
        if not await self._in_thread(spool.exists):
            if running is None or not running.named:
                return None
            await self._restore(spool, await self._stored_blocks(spool.meta))
        covers = await self._in_thread(spool.extent)
        if not covers.samples:
            return None
        async with self._transfers:
            limit_s = DISK_TIMEOUT_S + covers.duration_s * MAKE_S_PER_S
            audio = await self._in_thread(lambda: _Audio.of(spool, covers), limit_s)
            segmented = running.named if running is not None else await self._has_segments(spool.meta)
            if segmented:
                await self._announce(spool.meta, audio)
            await self._store(audio, self.seal_of(spool.meta))
            if segmented:
                await self.remove_segments(spool.meta)
        self.drop(spool)
        self.store_up = True
        return self._told(audio.joined)

    async def _has_segments(self, meta: SpoolMeta) -> bool:
        """Say whether an earlier process has left any; the pointer is the first of their objects and the last."""
        return await self._objects.size(segments.unfinished_key(self._node, meta)) is not None

    async def _announce(self, meta: SpoolMeta, audio: "_Audio") -> None:
        """Say in the manifest what is being made: should the disk be lost, it is known when it is there."""
        notes = (await self._manifest(meta)).segments
        manifest = segments.manifest_of(meta, self._node, notes, audio.joined)
        await self._put(segments.manifest_key(meta), msgspec.json.encode(manifest))

    async def _store(self, audio: "_Audio", seal: CallSeal | None) -> None:
        if await self._is_there(audio.joined, seal):
            return
        pieces = audio.pieces()
        sealed = pieces if seal is None else seal.seal(pieces)
        await self._objects.put(audio.joined.key, sealed, audio.joined.size_bytes)
        if not await self._is_there(audio.joined, seal):
            raise StoreUnavailable("read back otherwise than written")

    async def _is_there(self, joined: Joined, seal: CallSeal | None) -> bool:
        wanted = joined.size_bytes if seal is None else sealed_size(joined.size_bytes)
        if await self._objects.size(joined.key) != wanted:
            return False
        return await holds(self._objects, joined.key, wanted, joined.sha256, seal)

    def _told(self, joined: Joined) -> Stored:
        return Stored(
            f"{self._address}/{joined.key}",
            joined.key,
            joined.channels,
            joined.duration_s,
            joined.size_bytes,
            joined.sha256,
        )

    async def remove_segments(self, meta: SpoolMeta) -> None:
        """The recording is known to be in the store, or there is none. Raises StoreUnavailable."""
        names = await self._objects.names(segments.folder_of(meta))
        # The manifest outlives its segments, and the pointer to them outlives both.
        ordered = sorted(names, key=lambda name: name == segments.manifest_key(meta))
        await self._objects.delete([*ordered, segments.unfinished_key(self._node, meta)])

    def seal_of(self, meta: SpoolMeta) -> CallSeal | None:
        """Return how the call's objects are sealed; None when they are not.

        Raises:
            StoreUnavailable: `recording_key_missing` or `recording_key_wrong`; nothing is stored in clear instead.
        """
        if not meta.wrapped_key:
            return None
        if self._master is None:
            raise StoreUnavailable("SALESOS_RECORDING_KEY is not set on this node", "recording_key_missing")
        org_id = UUID(meta.org_id)
        try:
            return CallSeal(self._master.unwrap(meta.wrapped_key, org_id), org_id, UUID(meta.call_id))
        except BadKey as error:
            raise StoreUnavailable(str(error), "recording_key_wrong") from None

    # When the disk is gone

    async def restore_lost(self, folder: Path, is_live: Callable[[UUID], bool]) -> list[Lost]:
        """Find the calls that this node was recording and has no spool of; those without a recording get a spool again.

        Raises:
            StoreUnavailable, OSError, TimeoutError: what has been restored is in `folder`; try again later.
        """
        found: list[Lost] = []
        for name in await self._objects.names(segments.unfinished_folder(self._node)):
            try:
                meta = decode_meta(await read_whole(self._objects, name))
            except ValueError:
                log.error("recording.pointer_unreadable", key=name)
                continue
            spool = Spool(folder, meta)
            if is_live(UUID(meta.call_id)) or await self._in_thread(spool.exists):
                continue
            manifest = await self._manifest(meta)
            if manifest.joined is not None and await self._is_there(manifest.joined, self.seal_of(meta)):
                # Made from the whole spool before that was lost: segments hold no more.
                found.append(Lost(spool, self._told(manifest.joined)))
            elif blocks := await self._stored_blocks(meta):
                await self._restore(spool, blocks)
                found.append(Lost(spool, None))
            else:
                await self.remove_segments(meta)
        return found

    async def _restore(self, spool: Spool, blocks: list[bytes]) -> None:
        await self._in_thread(lambda: spool.restore(blocks))
        log.warning("recording.restored_from_segments", call_id=spool.meta.call_id, segments=len(blocks))

    async def _manifest(self, meta: SpoolMeta) -> Manifest:
        """Return the stored manifest; an empty one when there is none that can be read."""
        key = segments.manifest_key(meta)
        if await self._objects.size(key) is not None:
            try:
                return msgspec.json.decode(await read_whole(self._objects, key), type=Manifest)
            except msgspec.MsgspecError:
                log.error("recording.manifest_unreadable", call_id=meta.call_id)
        return segments.manifest_of(meta, self._node, ())

    async def _stored_blocks(self, meta: SpoolMeta) -> list[bytes]:
        """Return the blocks of each segment that is whole; the others are left out and said."""
        sums = {note.number: note.sha256 for note in (await self._manifest(meta)).segments}
        seal, found = self.seal_of(meta), []
        for name in await self._objects.names(segments.folder_of(meta)):
            number = segments.segment_number(name)
            if number is None:
                continue
            raw = await read_whole(self._objects, name)
            try:
                blocks = raw if seal is None else seal.open_all(raw)
            except BadSeal:
                blocks = b""
            if not blocks or extent(blocks).size_bytes != len(blocks) or sums.get(number, _sum(blocks)) != _sum(blocks):
                log.error("recording.segment_lost", call_id=meta.call_id, segment=number)
                continue
            found.append(blocks)
        return found

    async def _put(self, key: str, body: bytes) -> None:
        await self._objects.put(key, body, len(body))

    async def _in_thread(self, work: Callable[[], T], timeout_s: float = DISK_TIMEOUT_S) -> T:
        async with asyncio.timeout(timeout_s):
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def close(self) -> None:
        self._thread.shutdown(wait=False)


@dataclass(frozen=True, slots=True)
class _Audio:
    """A spool's recording, as the file that people hear."""

    spool: Spool
    covers: Extent
    joined: Joined
    whole: bytes  # the file when it had to be made in one piece; else it is made again from the spool

    @classmethod
    def of(cls, spool: Spool, covers: Extent) -> "_Audio":
        key, whole, digest = segments.recording_key(spool.meta), b"", sha256()
        if spool.meta.format == "ogg":
            whole = opus_file(spool.blocks(), covers)
            digest.update(whole)
        else:
            for piece in wav_pieces(spool.blocks(), covers):
                digest.update(piece)
        size_bytes = len(whole) or wav_bytes(covers)
        joined = Joined(key, covers.channels, covers.duration_s, size_bytes, digest.hexdigest())
        return cls(spool, covers, joined, whole)

    def pieces(self) -> Iterator[bytes]:
        return iter([self.whole]) if self.whole else wav_pieces(self.spool.blocks(), self.covers)


def _next_cut(spool: Spool, offset: int) -> segments.Cut | None:
    return segments.cut(spool.blocks(offset)) if spool.exists() else None


def _sum(raw: bytes) -> str:
    return sha256(raw).hexdigest()


def _be_nice() -> None:
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
