"""What one provider of the failover bench says to each call, and how it dies to it. Sans-I/O.

It knows a call by its key, and what happens in it by the seed; all it has to remember of a call is its death there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from bench.failover.case import ANSWERS, KILLED, NAMES, REFUSES, Case, draw, number_of
from bench.providers import chat_script, speech_script
from bench.providers.speech_script import Understands
from bench.providers.toned_speech import Tones

FIRST_AUDIO_S: Final = 0.09
FINAL_S: Final = 0.1
FIRST_TOKEN_S: Final = 0.15
TOKEN_GAP_S: Final = 0.01
REFUSED: Final = 503  # HTTP's status of who is not there for the moment


@dataclass(frozen=True, slots=True)
class Role:
    """A provider: what it is, and its place among those that stand in for one another."""

    kind: str  # of bench.failover.case.VICTIMS
    rank: int

    @property
    def name(self) -> str:
        """As a call plan names it."""
        return NAMES[self.kind][self.rank]


class Setting(msgspec.Struct, frozen=True):
    """What all providers of a run are told."""

    seed: int
    turns: int  # answers in a call
    utterance: bytes  # what the prospect says each time: µ-law, whole frames
    first_voiced: int  # the frame with its first sound


ROLES: Final = tuple(Role(kind, rank) for kind, names in NAMES.items() for rank in range(len(names)))


class Strike(msgspec.Struct, frozen=True):
    """A provider has died to a call, as that call's case wants it."""

    call: int
    role: str
    fault: str


@dataclass(slots=True)
class Vendor:
    """One process' provider. `spared`: calls for which it was killed already."""

    role: Role
    seed: int
    turns: int
    known: Tones
    ear: Understands  # of what the prospect says, by its sound
    spared: set[int] = field(default_factory=set)
    _dead: set[int] = field(default_factory=set)  # calls to which it has died, the process living

    def struck(self, key: str) -> Strike | None:
        """Note that it dies to a call now; None when it did before."""
        case = self._case(key)
        if case.number in self._dead:
            return None
        self._dead.add(case.number)
        return Strike(case.number, self.role.name, case.fault)

    def think(self, key: str, body: Mapping[str, Any]) -> chat_script.Reaction:
        """Return a model's answer: whatever the request says has not been said yet."""
        case = self._case(key)
        told = " ".join(_texts(body))
        answers = ANSWERS[: self.turns]
        turn = sum(answer.split()[-1] in told for answer in answers)
        if turn >= len(answers):
            return chat_script.Refusal(400)  # nothing is left to say
        dies = self._dies(case) and turn == case.turn and self.role.rank < case.deaths
        if dies and case.fault == REFUSES:
            return chat_script.Refusal(REFUSED)
        dies = dies and case.number not in self._dead
        words = answers[turn].split()
        said = next((count for count in range(len(words), 0, -1) if " ".join(words[:count]) in told), 0)
        repeated = case.repeats if said >= case.repeats else 0
        text = " ".join(words[said - repeated :])
        pieces = tuple(text[at : at + case.piece_chars] for at in range(0, len(text), case.piece_chars))
        last = turn == len(answers) - 1
        return chat_script.Answer(
            pieces,
            calls=(chat_script.Call("end_call", {"outcome": "goal_reached"}),) if last else (),
            first_token_s=FIRST_TOKEN_S,
            gap_s=TOKEN_GAP_S,
            fault=chat_script.Fault(_on_the_wire(case)) if dies else None,
            fault_after=min(case.after, len(pieces) - 1),
        )

    def speak(self, key: str) -> speech_script.Reaction:
        """Return what a new connection to a voice does."""
        case = self._case(key)
        if self._refuses(case):
            return speech_script.Refusal(REFUSED)
        return speech_script.Saying(
            FIRST_AUDIO_S, vocabulary=self.known, fault=self._speech_fault(case), fault_after=case.after
        )

    def hear(self, key: str) -> speech_script.Reaction:
        """Return what a new connection to a recogniser does."""
        case = self._case(key)
        if self._refuses(case):
            return speech_script.Refusal(REFUSED)
        return speech_script.Hearing(
            final_s=FINAL_S,
            vocabulary=self.ear,
            fault=self._speech_fault(case),
            fault_after_ms=case.after,
        )

    def _case(self, key: str) -> Case:
        return draw(number_of(key), self.seed, self.turns)

    def _dies(self, case: Case) -> bool:
        return case.victim == self.role.kind and case.number not in self.spared

    def _refuses(self, case: Case) -> bool:
        return self._dies(case) and case.fault == REFUSES and case.number in self._dead

    def _speech_fault(self, case: Case) -> speech_script.Fault | None:
        dies = self._dies(case) and self.role.rank == 0
        return speech_script.Fault(_on_the_wire(case)) if dies else None


def _on_the_wire(case: Case) -> str:
    """Return what the provider's server does; who is killed does not come to it."""
    return chat_script.Fault.CUT.value if case.fault in (KILLED, REFUSES) else case.fault


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
