"""One call's recording while it runs: the audio plane's plain calls, each about a list append.

Nothing is placed, packed or written here: the process's one writer takes the notes away every 0.4 s and does that
for all calls in a thread (`take`). A broken disk ends the recording, never the call.
"""

from typing import Final

import structlog

from media.frame import ms_to_samples
from media.recording.blocks import AGENT, PERSON, PROSPECT, SAMPLES_MAX, pack
from media.recording.spool import Spool
from media.recording.tracks import Tracks

# The agent's audio is noted once it was played, up to 100 ms later and a stall of the loop more (150 ms); a clear
# reaches back to the line's present. So what is older than this, by the prospect's audio, stands.
SETTLED_AFTER_MS: Final = 350
# The same while the prospect's audio stays away.
SETTLED_UNHEARD_MS: Final = 1_000
# How far a stamp may be ahead of the time that has really passed before the carrier's clock counts as broken.
AHEAD_MAX_MS: Final = 60_000

_CUT: Final = -1
_UNMUTE: Final = -2
Note = tuple[int, int, bytes]
"""A channel or one of the two orders above, its place in ms, and µ-law for a channel."""

log = structlog.get_logger()


class ClockJumped(Exception):
    """The carrier's stamps ran away from real time: nothing can be placed any more."""


class Recorder:
    """Takes notes of what is heard; `write` is for the writer's thread alone."""

    def __init__(self, spool: Spool, *, muted: bool) -> None:
        self.spool = spool
        self._notes: list[Note] = []
        self._failed = ""
        self._tracks = Tracks()
        self._muted = muted

    @property
    def failed(self) -> str:
        """Why recording stopped early; empty while all is well."""
        return self._failed

    @property
    def late(self) -> int:
        """Samples that came after their place was written; read by metrics."""
        return self._tracks.late

    # The audio plane's side: on the loop, never waits

    def heard_from_prospect(self, at_ms: int, ulaw: bytes) -> None:
        if not self._failed:
            self._notes.append((PROSPECT, at_ms, ulaw))

    def played_to_prospect(self, at_ms: int, ulaw: bytes) -> None:
        if not self._failed:
            self._notes.append((AGENT, at_ms, ulaw))

    def heard_from_person(self, at_ms: int, ulaw: bytes) -> None:
        """A rep or a whispering supervisor: the recording has a third channel from then on."""
        if not self._failed:
            self._notes.append((PERSON, at_ms, ulaw))

    def cleared(self, at_ms: int) -> None:
        self._notes.append((_CUT, at_ms, b""))

    def unmute(self, at_ms: int) -> None:
        """The disclosure has been heard: from here on the recording may hold voices."""
        self._notes.append((_UNMUTE, at_ms, b""))

    # The writer's side

    def take(self) -> list[Note]:
        """Hand over the notes taken so far, in their order. On the loop."""
        notes, self._notes = self._notes, []
        return notes

    def give_up(self, reason: str) -> None:
        """What is on disk is the recording. The first reason stands. On the loop."""
        if not self._failed:
            self._failed = reason
            log.error("recording.stopped", reason=reason, call_id=self.spool.meta.call_id)
        self._notes.clear()

    def write(self, notes: list[Note], elapsed_ms: int, end_ms: int | None = None) -> None:
        """Place the notes and append what has settled to the spool; everything, when the call ended at `end_ms`.

        In the writer's thread. `elapsed_ms`: real time since the recorder began.

        Raises:
            OSError: as the disk does.
            ClockJumped: a note lies far ahead of real time; notes before it are written.
        """
        limit_ms, jumped = elapsed_ms + AHEAD_MAX_MS, False
        for channel, at_ms, ulaw in notes:
            if at_ms > limit_ms:
                jumped = True
                break
            self._place(channel, ms_to_samples(at_ms), ulaw)
        until = self._settled()
        if end_ms is not None:
            end = ms_to_samples(min(end_ms, limit_ms))
            self._tracks.cut(AGENT, end)  # beyond the end it was never played
            until = max(end, self._tracks.taken)
        if self._muted:
            self._tracks.mute(until)
        while until > self._tracks.taken:
            block = self._tracks.take(min(until, self._tracks.taken + SAMPLES_MAX))
            self.spool.append(pack(block))
        if jumped:
            raise ClockJumped

    def _place(self, channel: int, position: int, ulaw: bytes) -> None:
        if channel == _CUT:
            self._tracks.cut(AGENT, position)
        elif channel == _UNMUTE:
            if self._muted:
                self._tracks.mute(position)
            self._muted = False
        else:
            self._tracks.place(channel, position, ulaw)

    def _settled(self) -> int:
        by_prospect = self._tracks.end_of(PROSPECT) - ms_to_samples(SETTLED_AFTER_MS)
        return max(by_prospect, self._tracks.end - ms_to_samples(SETTLED_UNHEARD_MS))
