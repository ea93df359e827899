"""What a conversation hears, called on the loop as the audio plane and the recogniser bring it. Nothing here waits.

What must not wait is done in place: the agent's voice stops in the very call that reports the caller's.
"""

from collections.abc import Callable

from agent.listening import Listening
from agent.opening import Opening
from agent.stt.port import TurnSign
from agent.turn_taking import TurnTaking
from events.call import SpeechFed
from media.activity.detector import VoiceResumed, VoiceSignal, VoiceStarted


class Ears:
    """One call's."""

    def __init__(
        self,
        listening: Listening,
        taking: TurnTaking,
        opening: Opening,
        stop_voice: Callable[[], None],
        now_ms: Callable[[], int],
    ) -> None:
        """`stop_voice` stops what is being said, if anything is; `now_ms`: the call's timeline."""
        self._listening = listening
        self._taking = taking
        self._opening = opening
        self._stop_voice = stop_voice
        self._now_ms = now_ms

    def on_partial(self, text: str) -> None:
        self._listening.on_partial(text)
        self._taking.understood(text)

    def on_turn_sign(self, sign: TurnSign) -> None:
        self._taking.on_sign(sign)

    def on_audio(self, pcm: bytes, ulaw: bytes) -> None:
        self._opening.hear(pcm, self._listening.heard_ms)
        self._listening.hear(pcm, ulaw)
        self._taking.hear(pcm)

    def on_voice(self, signal: VoiceSignal) -> None:
        if self._taking.is_echo(signal):
            return
        if isinstance(signal, VoiceStarted):
            self._listening.hold(self._now_ms() - signal.first_voiced_ms)
        if isinstance(signal, VoiceStarted | VoiceResumed):
            self._stop_voice()
        self._taking.on_voice(signal)

    @property
    def fed(self) -> SpeechFed:
        return SpeechFed(self._listening.heard_ms, self._listening.fed_ms)
