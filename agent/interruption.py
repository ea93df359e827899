"""Whether what the caller says over the agent takes the floor, is a nod to it, or is no speech at all."""

from collections.abc import Collection
from enum import Enum, auto

from agent.making import Making
from agent.opening import Opening
from agent.signals import Timer
from agent.turns import timing
from agent.turns.assent import is_backchannel, is_fragment, is_noise
from agent.turns.wording import NO_LISTS, WordLists
from media.activity.detector import VoiceEnded
from media.agent_voice import AgentVoice


class Found(Enum):
    """What a voice over the agent's turned out to be."""

    NOD = (
        auto()
    )  # the agent speaks on; for certain it is known when the utterance ends, and then there is time to yield
    INTERRUPTION = auto()


class Interruption:
    """One call's judgement. `backchannels`: the words of assent of its language and playbook."""

    def __init__(
        self, backchannels: Collection[str], opening: Opening, making: Making, lists: WordLists = NO_LISTS
    ) -> None:
        self._backchannels = backchannels
        self._opening = opening
        self._making = making
        self._lists = lists
        self._voice: AgentVoice

    def attach(self, voice: AgentVoice) -> None:
        self._voice = voice

    def is_assent(self, text: str) -> bool:
        return is_backchannel(text, self._nods)

    def doubt_s(self, voiced_ms: int, text: str) -> float | None:
        """The voice has paused: return after which time of silence `is_nod` tells; None: when its turn is over."""
        if text and self.is_assent(text):
            return 0.0 if voiced_ms < timing.ASSENT_KNOWN_MAX_MS else None
        if text:  # by the end of the doubt it may be known better
            fragment = voiced_ms < timing.FRAGMENT_MAX_MS and self._is_fragment(text)
            return timing.FRAGMENT_DOUBT_S if fragment else None
        return timing.DOUBT_S if voiced_ms < timing.ASSENT_MAX_MS else None

    def is_nod(self, text: str) -> bool:
        """In doubt: nothing has come that interrupts."""
        return self.is_assent(text) or self._is_fragment(text)

    def after(self, timer: Timer, text: str) -> Found | float | None:
        """Their voice has lasted, or paused, for as long as `timer` runs, and `text` was understood.

        Return what it is; or how many seconds more are given to it; None: wait for its end.
        """
        message = self._opening.leaving_message
        match timer:
            case Timer.DOUBT:
                return Found.NOD if self.is_nod(text) and not self.nearly_said else None
            case Timer.YIELD if message:
                return timing.MESSAGE_HELD_MAX_S
            case Timer.UNDECIDED if message:
                return Found.NOD
            case Timer.YIELD if self.is_assent(text):
                return timing.UNDECIDED_MAX_S - timing.YIELD_S
            case _:
                return Found.INTERRUPTION

    def is_noise(self, voice: VoiceEnded, text: str) -> bool:
        """Neither a word nor a voice that lasts: a cough, a door, a nod."""
        return is_noise(voice, text, self._nods) or (
            voice.voiced_ms < timing.FRAGMENT_MAX_MS and self._is_fragment(text)
        )

    def _is_fragment(self, text: str) -> bool:
        return is_fragment(text, self._lists) and not self._opening.leaving_message

    @property
    def _nods(self) -> Collection[str]:
        # Nobody nods to a message that is being recorded: whoever says "yes?" into it has picked up. Nor to an answer
        # that has hardly begun: whoever speaks then goes on with what they were saying ("… okay, why not").
        unheard = self._voice.heard_ms < timing.COLLIDED_MS
        return () if self._opening.leaving_message or unheard else self._backchannels

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
