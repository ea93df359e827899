"""What happens in one call of the failover bench, drawn from its seed: which provider dies, how and when. Sans-I/O.

The words of a call are all different, so that one that was said twice or left out shows.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from agent.stock_phrases import ENGLISH
from bench.providers import chat_script, speech_script
from bench.providers.coded_speech import Vocabulary

HEARD: Final = "yes I would like to hear more about that"  # each time the prospect speaks
ANSWERS: Final = (
    "alpha bravo charlie delta. echo foxtrot golf hotel.",
    "india juliett kilo lima mike november. oscar papa quebec romeo.",
    "sierra tango uniform victor whiskey. xray yankee zulu.",
)
# What else the agent may say here; the models are never switched off.
STOCK_WORDS: Final = " ".join((ENGLISH.hello, *ENGLISH.patience, ENGLISH.sorry)).split()
MODELS: Final = ("openai:m", "anthropic:m", "gemini:m")
VOICES: Final = ("elevenlabs:first", "elevenlabs:second")
RECOGNISERS: Final = ("deepgram:nova-3", "deepgram:nova-2")
VICTIMS: Final = ("model", "voice", "recogniser")
FIRST_AUDIO_S: Final = 0.09
FINAL_S: Final = 0.1
FIRST_TOKEN_S: Final = 0.15


def vocabulary() -> Vocabulary:
    return Vocabulary((*(word for answer in ANSWERS for word in answer.split()), *STOCK_WORDS))


@dataclass(slots=True)
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
    died: int = 0  # models so far

    @property
    def key(self) -> str:
        return f"failover-call-{self.number}"


def draw(number: int, seed: int) -> Case:
    """Return the case of that number; the same for the same seed."""
    chance = random.Random(f"{seed}/{number}")  # noqa: S311 - a choice that can be repeated, no secret
    victim = VICTIMS[number % len(VICTIMS)]
    faults = chat_script.Fault if victim == "model" else speech_script.Fault
    spans = {"model": (1, 7), "voice": (1, 26), "recogniser": (200, 9_000)}
    return Case(
        number,
        victim,
        chance.choice(list(faults)).value,
        deaths=chance.choice((1, 1, 2)) if victim == "model" else 1,
        turn=chance.randrange(len(ANSWERS)),
        after=chance.randint(*spans[victim]),
        repeats=chance.choice((0, 3, 5)),
        piece_chars=chance.randint(3, 6),
    )


def model_reaction(case: Case, rank: int, body: Mapping[str, Any]) -> chat_script.Reaction:
    """Return what the model of that rank answers: whatever the request says has not been said yet."""
    told = " ".join(_texts(body))
    turn = sum(answer.split()[-1] in told for answer in ANSWERS)
    if turn >= len(ANSWERS):
        return chat_script.Refusal(400)  # nothing is left to say
    words = ANSWERS[turn].split()
    said = next((count for count in range(len(words), 0, -1) if " ".join(words[:count]) in told), 0)
    repeated = case.repeats if said >= case.repeats else 0
    text = " ".join(words[said - repeated :])
    pieces = tuple(text[at : at + case.piece_chars] for at in range(0, len(text), case.piece_chars))
    dies = case.victim == "model" and turn == case.turn and rank == case.died and case.died < case.deaths
    case.died += dies
    last = turn == len(ANSWERS) - 1
    return chat_script.Answer(
        pieces,
        calls=(chat_script.Call("end_call", {"outcome": "goal_reached"}),) if last else (),
        first_token_s=FIRST_TOKEN_S,
        gap_s=0.01,
        fault=chat_script.Fault(case.fault) if dies else None,
        fault_after=min(case.after, len(pieces) - 1),
    )


def voice_reaction(case: Case, path: str, known: Vocabulary) -> speech_script.Saying:
    dies = case.victim == "voice" and VOICES[0].partition(":")[2] in path
    fault = speech_script.Fault(case.fault) if dies else None
    return speech_script.Saying(FIRST_AUDIO_S, vocabulary=known, fault=fault, fault_after=case.after)


def recogniser_reaction(case: Case, model: str) -> speech_script.Hearing:
    dies = case.victim == "recogniser" and model == RECOGNISERS[0].partition(":")[2]
    fault = speech_script.Fault(case.fault) if dies else None
    return speech_script.Hearing((HEARD,), final_s=FINAL_S, fault=fault, fault_after_ms=case.after)


def _texts(value: Any) -> Iterator[str]:
    """Every text in a request's body, in order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)
