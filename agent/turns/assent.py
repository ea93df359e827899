"""What of the caller's sounds over the agent's voice does not take the floor: noise, and words of assent. Sans-I/O."""

from collections.abc import Collection

from agent.turns import timing
from agent.turns.wording import normal
from media.activity.detector import VoiceEnded


def is_backchannel(text: str, backchannels: Collection[str]) -> bool:
    """True when all that was said is assent ("uh-huh", "okay right") or nothing that could be made out.

    `backchannels` are normal (agent/turns/wording.py).
    """
    said = normal(text)
    return said in backchannels or all(word in backchannels for word in said.split())


def is_noise(voice: VoiceEnded, text: str, backchannels: Collection[str]) -> bool:
    """True when an utterance, now over, was too short for a word that interrupts, or assent."""
    if voice.voiced_ms < timing.NOISE_MAX_MS:
        return True
    return is_backchannel(text, backchannels)
