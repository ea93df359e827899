"""Between the voice activity and the conversation: decides when what the caller says is over.

The voice activity reports voices, pauses and, after a long silence, ends. What is passed on is the same, but for the
end: it comes as soon as the evidence says so (agent/turns/ending.py), and once for each beginning. Plain calls on the
loop; nothing here waits.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Final, Protocol

from agent.signals import DeadAir, ProbableEnd
from agent.stt.port import TurnSign
from agent.turns import timing
from agent.turns.assent import is_noise
from agent.turns.echo import Echo
from agent.turns.ending import Ending, Evidence, Phase, wait_ms
from agent.turns.judge import EndJudge
from agent.turns.smart_turn import HEARD_S
from agent.turns.wording import WordLists, Words, read
from media.activity.detector import VoiceEnded, VoicePaused, VoiceResumed, VoiceSignal, VoiceStarted
from media.codec import g711
from media.frame import FRAME_MS

_DEAD_FRAMES: Final = 3_000 // FRAME_MS  # twice what the longest pause may last
# A turn that is due is not ended at the very moment at which they seem to go on: two windows of the network tell.
_HOLD_S: Final = 0.034
_HOLDS_MAX: Final = 3
# With whole words before it, so much quiet is worth beginning to think about an answer. Closures of consonants last as
# long: who goes on after all has cost a question that is thrown away, and hears nothing of it.
_HUSH_FRAMES: Final = 3
# People who break in have heard what they break into; who is at it sooner was speaking on.
_UNHEARD_MS: Final = 800
_BEFORE_MS: Final = 500  # of sound before the voice, as smart-turn was trained with


class Floor(Protocol):
    """What of the room is needed."""

    @property
    def now(self) -> int:
        """The timeline's present, in ms."""

    @property
    def voice_begins(self) -> bool:
        """Something may be the caller's voice, and will be known for it or not within some 100 ms."""

    @property
    def hush_rms(self) -> float:
        """A frame that is quieter (RMS, 0 to 1) holds no voice of the caller's, who has the word."""

    def sounding(self) -> bytes:
        """What the caller hears of us with the frame that came last, µ-law; nothing in silence."""

    def end_voice(self) -> None:
        """The voice that is open is over: the next one begins anew."""


class TurnTaking:
    """One call's. `put` takes the voice activity's signals on, and with them two of its own: ProbableEnd once for the
    same words before a pause, and DeadAir for each three seconds in which neither side is heard.
    """

    def __init__(
        self,
        put: Callable[[VoiceSignal | ProbableEnd | DeadAir], None],
        lists: WordLists,
        judge: EndJudge | None = None,
        wait: Callable[[Evidence], int] = wait_ms,
    ) -> None:
        """`judge`: None leaves the decision to silence and words; `wait`: ms of silence that end a turn."""
        self._put = put
        self._lists = lists
        self._judge = judge
        self._still = 0  # frames since either side was heard
        self._ending = Ending(wait)
        self._sound: deque[bytes] = deque(maxlen=HEARD_S * 1000 // FRAME_MS)
        self._echo = Echo()
        self.echoes = 0  # voices that were our own; read by metrics
        self._pause = 0  # counts pauses: an answer about a former one is stale
        self._text = ""  # understood last
        self._held = 0  # times that this pause's end was put off
        self._told = False  # of the probable end of what has been said, in these words
        self._answer_frames: int | None = None  # heard of the answer to what was said last; None: there is none
        self._sounding = False  # we were heard in the last frame
        self._timer: asyncio.TimerHandle | None = None
        self._room: Floor

    def attach(self, room: Floor) -> None:
        self._room = room

    # What is heard

    def hear(self, pcm: bytes) -> None:
        """Take a frame of the caller's audio: int16 samples, 8 kHz."""
        self._sound.append(pcm)
        played = self._room.sounding()
        self._sounding = bool(played)
        if played and self._answer_frames is not None:
            self._answer_frames += 1
        if played or self._echo.possible:
            self._echo.hear(pcm, g711.decode_frame(played) if played else b"")
        else:
            self._echo.forget()
        self._tell_early()
        self._still = 0 if played or self._ending.phase is Phase.SPEAKING else self._still + 1
        if self._still and self._still % _DEAD_FRAMES == 0:
            self._put(DeadAir())

    def answering(self) -> None:
        """What the caller said is taken to be over: an answer is being made."""
        self._answer_frames = 0

    def is_echo(self, signal: VoiceSignal) -> bool:
        """Tell whether a voice that begins is our own, come back; then it is over at once, and nobody hears of it."""
        if not isinstance(signal, VoiceStarted | VoiceResumed) or not self._echo.explains():
            return False
        self.echoes += 1
        self._cancel_timer()
        if self._ended(self._ending.last_voiced_ms):
            # It came back into a pause of the caller's: what they said was over.
            self._put(VoiceEnded(self._ending.first_voiced_ms, self._ending.last_voiced_ms, self._room.now))
        self._room.end_voice()
        return True

    def understood(self, text: str) -> None:
        """Take what the recogniser has understood of the turn so far."""
        self._ending.understood(read(text, self._lists))
        if text != self._text:
            self._text, self._told = text, False  # whoever works ahead has worked on other words
            self._tell_early()
        self._look()

    def on_sign(self, sign: TurnSign) -> None:
        """Take what a recogniser says that listens for turns itself."""
        if sign is TurnSign.OVER:
            self._ending.engine_ended()
            self._look()
        elif sign is TurnSign.PROBABLY_OVER:
            self._tell_probable()

    def on_voice(self, signal: VoiceSignal) -> None:
        """Take what the voice activity reports."""
        match signal:
            case VoiceStarted():
                self._text, self._told = "", False
                self._ending.started(signal.first_voiced_ms, answered=self._answered_too_soon(signal))
                self._answer_frames = None
                self._put(signal)
            case VoicePaused():
                self._paused(signal)
            case VoiceResumed():
                self._told = False
                self._cancel_timer()
                self._ending.resumed(signal.at_ms)
                self._put(signal)
            case VoiceEnded():
                self._cancel_timer()
                if self._ended(signal.last_voiced_ms):
                    self._put(signal)

    def stop(self) -> None:
        """Nothing is decided any more."""
        self._cancel_timer()
        self._ending.ended()

    def _paused(self, signal: VoicePaused) -> None:
        self._pause += 1
        self._held = 0
        self._ending.paused(signal.last_voiced_ms)
        self._put(signal)
        if self._judge is not None:
            pause = self._pause
            self._judge.ask(self._turn_sound(), lambda probability: self._judged(pause, probability))
        self._look()

    def _judged(self, pause: int, probability: float | None) -> None:
        if pause == self._pause:
            self._ending.judged(probability)
            self._look()

    def _turn_sound(self) -> bytes:
        """Return the turn's sound up to now, from a little before it began."""
        frames = (self._room.now - self._ending.first_voiced_ms + _BEFORE_MS) // FRAME_MS
        return b"".join(list(self._sound)[-max(frames, 1) :])

    def _look(self) -> None:
        """End the turn if it is due, else look again when it will be."""
        self._cancel_timer()
        due_ms = self._ending.due_ms
        if due_ms is None:
            return
        left_ms = due_ms - self._room.now
        if left_ms > 0:
            self._timer = asyncio.get_running_loop().call_later(left_ms / 1_000, self._look)
            if self._ending.probable:
                self._tell_probable()
            return
        if self._room.voice_begins and self._held < _HOLDS_MAX:
            self._held += 1
            self._timer = asyncio.get_running_loop().call_later(_HOLD_S, self._look)
            return
        ending = self._ending
        if self._ended(ending.last_voiced_ms):
            self._put(VoiceEnded(ending.first_voiced_ms, ending.last_voiced_ms, self._room.now))
            self._room.end_voice()

    def _ended(self, last_voiced_ms: int) -> bool:
        """Close the turn. A cough or a nod teaches nothing; a voice of which no word is known yet may be either."""
        voice = VoiceEnded(self._ending.first_voiced_ms, last_voiced_ms, self._room.now)
        nothing = is_noise(voice, self._text, self._lists.backchannels)
        return self._ending.ended(said=not nothing or (not self._text and voice.voiced_ms >= timing.ASSENT_MAX_MS))

    def _answered_too_soon(self, signal: VoiceStarted) -> bool:
        """Tell whether a voice that begins goes on with what we answer: it has not heard enough to speak of that."""
        if not self._answer_frames:
            return self._answer_frames is not None
        heard_ms = self._answer_frames * FRAME_MS - (self._room.now - signal.first_voiced_ms)
        return self._sounding and heard_ms <= _UNHEARD_MS

    def _tell_early(self) -> None:
        """Tell of a probable end before the voice activity finds the pause."""
        ending = self._ending
        if self._told or ending.phase is not Phase.SPEAKING or ending.evidence.words is not Words.FINISHED:
            return
        quiet_rms = self._room.hush_rms
        if all(g711.rms(pcm) < quiet_rms for pcm in islice(reversed(self._sound), _HUSH_FRAMES)):
            self._tell_probable()

    def _tell_probable(self) -> None:
        if not self._told and self._ending.phase is not Phase.SILENT:
            self._told = True
            self._put(ProbableEnd())

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
