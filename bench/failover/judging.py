"""Did a call go on, and were its words heard once, all of them, in their order? Sans-I/O."""

from collections.abc import Sequence
from typing import Final

import msgspec

from agent.stock_phrases import ENGLISH
from bench.failover.case import ANSWERS, HEARD
from bench.providers.coded_speech import WORD_MS, CodedWord

DEAD_AIR_MAX_S: Final = 2.0
_WHOLE_MS: Final = WORD_MS * 0.85  # as short as a whole word may be made out to be
_ONE_MOMENT: Final = (*(phrase.split() for phrase in ENGLISH.patience), ENGLISH.hello.split())


class CallFound(msgspec.Struct, frozen=True):
    """What one call came to. `heard`: words as they were played; `remembered`: the agent's turns as told by events."""

    number: int
    victim: str
    fault: str
    outcome: str
    heard: tuple[str, ...]
    remembered: tuple[str, ...]
    understood: tuple[str, ...]
    dead_air_s: float
    took_over: bool  # somebody else than the first model was asked
    struck: tuple[str, ...] = ()  # providers that died to it, as its case wants it
    killed: tuple[str, ...] = ()  # providers whose process was killed while it was going on, for any call
    faults: tuple[str, ...] = ()


def words_heard(sound: Sequence[CodedWord]) -> list[str]:
    """Return the words, without the beginning of one that broke off and was said again."""
    found: list[str] = []
    for index, word in enumerate(sound):
        again = index + 1 < len(sound) and sound[index + 1].text == word.text
        if again and word.end_ms - word.start_ms < _WHOLE_MS:
            continue
        found.append(word.text)
    return found


def without_fillers(words: Sequence[str]) -> list[str]:
    """Return the words but for "one moment" and "hello"."""
    left = list(words)
    for filler in _ONE_MOMENT:
        for at in range(len(left) - len(filler), -1, -1):
            if left[at : at + len(filler)] == filler:
                del left[at : at + len(filler)]
    return left


def judge(found: CallFound, answers: Sequence[str] = ANSWERS) -> CallFound:
    """Return it with what is wrong about it; `answers`: what the agent had to say."""
    faults = []
    if not found.struck and not found.killed:
        faults.append("no provider died in it")
    if found.outcome != "goal_reached":
        faults.append(f"did not go on: {found.outcome}")
    wanted = [word for answer in answers for word in answer.split()]
    heard = without_fillers(found.heard)
    if heard != wanted:
        missing = [word for word in wanted if word not in heard]
        twice = sorted({word for word in heard if heard.count(word) > 1})
        faults.append(f"words: missing {missing}, twice {twice}, heard {' '.join(heard)}")
    remembered = without_fillers(" ".join(found.remembered).split())
    if remembered != heard:
        faults.append(f"remembered {' '.join(remembered)}")
    # A pause behind a text that sounds finished may end a turn that the prospect goes on with: turns may be more.
    if " ".join(found.understood).split() != HEARD.split() * len(answers):
        faults.append(f"of {len(answers)} utterances were understood: {list(found.understood)}")
    return msgspec.structs.replace(found, faults=tuple(faults))
