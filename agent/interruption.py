"""Whether what the caller says over the agent takes the floor, is a nod to it, or is no speech at all."""

from collections.abc import Collection

from agent.making import Making
from agent.opening import Opening
from agent.turns import timing
from agent.turns.assent import is_backchannel, is_noise
from media.activity.detector import VoiceEnded
from media.agent_voice import AgentVoice


class Interruption:
    """One call's judgement. `backchannels`: the words of assent of its language."""

    def __init__(self, backchannels: Collection[str], opening: Opening, making: Making) -> None:
        self._backchannels = backchannels
        self._opening = opening
        self._making = making
        self._voice: AgentVoice

    def attach(self, voice: AgentVoice) -> None:
        self._voice = voice

    def is_assent(self, text: str) -> bool:
        return is_backchannel(text, self._nods)

    def is_noise(self, voice: VoiceEnded, text: str) -> bool:
        """Neither a word nor a voice that lasts: a cough, a door, a nod."""
        return is_noise(voice, text, self._nods)

    @property
    def _nods(self) -> Collection[str]:
        # Nobody nods to a message that is being recorded: whoever says "yes?" into it has picked up.
        return () if self._opening.leaving_message else self._backchannels

    def takes_floor(self, voice: VoiceEnded, text: str) -> bool:
        """An utterance over the agent's answer is over: return whether the answer must not go on."""
        speech = not self.is_noise(voice, text)
        if self._opening.leaving_message:
            return speech and self._opening.picked_up(text, voice.voiced_ms)
        return speech or bool(text and self.nearly_said)

    @property
    def nearly_said(self) -> bool:
        """All but the last syllable was heard: the caller answers it rather than nods to it."""
        return self._making.done and self._voice.reply_ms - self._voice.heard_ms < timing.NEARLY_SAID_MS
