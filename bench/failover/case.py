"""What happens in one call of the failover bench, drawn from its seed: which provider dies, how and when. Sans-I/O.

The words of a call are all different, so that one that was said twice or left out shows.
"""

import random
from dataclasses import dataclass
from typing import Final

from agent.stock_phrases import ENGLISH
from bench.providers import chat_script, speech_script
from bench.providers.toned_speech import Tones

HEARD: Final = "yes I would like to hear more about it please"  # each time the prospect speaks
ANSWERS: Final = (
    "alpha bravo charlie delta. echo foxtrot golf hotel.",
    "india juliett kilo lima mike november. oscar papa quebec romeo.",
    "sierra tango uniform victor whiskey. xray yankee zulu.",
)
STOCK_WORDS: Final = " ".join(ENGLISH.all).split()  # what else a voice is asked to say
# Each has a process of its own; of the recognisers and the voices only the first one dies.
MODELS: Final = ("openai:m", "anthropic:m", "gemini:m")
VOICES: Final = ("elevenlabs:first", "elevenlabs:second")
RECOGNISERS: Final = ("deepgram:nova-3", "deepgram:nova-2")
NAMES: Final = {"model": MODELS, "voice": VOICES, "recogniser": RECOGNISERS}
VICTIMS: Final = tuple(NAMES)
KILLED: Final = "killed"  # its process is, by SIGKILL: all calls that it serves lose it
REFUSES: Final = "5xx"  # it breaks the connection and refuses each new one; a model refuses the request
_KEY: Final = "failover-call-"


def vocabulary() -> Tones:
    return Tones((*(word for answer in ANSWERS for word in answer.split()), *STOCK_WORDS))


def faults(victim: str) -> list[str]:
    """Return every way in which such a provider dies."""
    own = chat_script.Fault if victim == "model" else speech_script.Fault
    return [*(fault.value for fault in own), REFUSES, KILLED]


@dataclass(frozen=True, slots=True)
class Case:
    """One call. Its key at the vendors is its name there."""

    number: int
    victim: str
    fault: str  # of the victim's list
    deaths: int  # models that die one after another; otherwise 1
    turn: int  # of the answer in which a model dies, from 0
    after: int  # model: pieces of the answer, voice: pieces of sound, recogniser: ms of audio
    repeats: int  # words that a model repeats of those it was to go on behind
    piece_chars: int  # of a model's text

    @property
    def key(self) -> str:
        return f"{_KEY}{self.number}"


def number_of(key: str) -> int:
    """Return the number of the call that shows that key. Raises ValueError: it is none of ours."""
    return int(key.removeprefix(_KEY))


def draw(number: int, seed: int, turns: int = len(ANSWERS)) -> Case:
    """Return the case of that number, of a call with so many answers; the same for the same seed."""
    chance = random.Random(f"{seed}/{number}")  # noqa: S311 - a choice that can be repeated, no secret
    victim = VICTIMS[number % len(VICTIMS)]
    # Within what each call has: eight pieces of a quarter of a second in an answer, 1.9 s in an utterance.
    spans = {"model": (1, 7), "voice": (1, 8 * turns), "recogniser": (200, 1_900 * turns)}
    fault = chance.choice(faults(victim))
    # A process is killed for all the calls on it, so that two would kill what takes over from one another.
    deaths = chance.choice((1, 1, 2)) if victim == "model" and fault != KILLED else 1
    return Case(
        number,
        victim,
        fault,
        deaths=deaths,
        turn=chance.randrange(turns),
        after=chance.randint(*spans[victim]),
        repeats=chance.choice((0, 3, 5)),
        piece_chars=chance.randint(3, 6),
    )
