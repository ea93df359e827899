"""What of the caller's sounds over the agent's voice does not take the floor: noise, and words of assent. Sans-I/O."""

from collections.abc import Collection

from agent.turns import timing
from agent.turns.wording import WordLists, normal
from media.activity.detector import VoiceEnded


def is_backchannel(text: str, backchannels: Collection[str]) -> bool:
    """True when all that was said is assent ("uh-huh", "okay right") or nothing that could be made out.

    `backchannels` are normal (agent/turns/wording.py).
    """
    said = normal(text)
    return said in backchannels or all(word in backchannels for word in said.split())


def is_fragment(text: str, lists: WordLists) -> bool:
    """True when nothing was said but words with which nobody leaves it ("I'm", "at the").

    Recognisers make such words of a hum, a breath, a "yeah" that they did not hear well; and who did begin with them
    over somebody else's voice, and said no more, has left the floor to them.
    """
    words = normal(text).split()
    return bool(words) and all(word in lists.open for word in words) and " ".join(words) not in lists.finished


def is_noise(voice: VoiceEnded, text: str, backchannels: Collection[str]) -> bool:
    """True when an utterance, now over, was too short for a word that interrupts, or assent."""
    if voice.voiced_ms < timing.NOISE_MAX_MS:
        return True
    return is_backchannel(text, backchannels)
