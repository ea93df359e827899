"""How well the lists of config/understanding judge labelled utterances of sales calls.

tests/data/understanding has two halves a language, written before the lists: one to tune them by, one that was held
out. A line is the mood (-, 0, +), the first objection, and the utterance. Change the lists by the tuning half only.

A third set was written when the lists were done, of things that people say in words that no list foresees ("at that
rate we'd be out of business"). There the lists know little more than half; what counts is that they know that they
do not know: a mood of the other sign is worse than none.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from agent.understanding.lexicon_files import lexicon_for
from agent.understanding.objections import find_objections
from agent.understanding.sentiment import judge
from events.understanding import NO_OBJECTION, Mood

FOLDER: Final = Path(__file__).parents[2] / "data" / "understanding"
MOODS: Final = {"-": Mood.NEGATIVE, "0": Mood.NEUTRAL, "+": Mood.POSITIVE}


@dataclass(frozen=True, slots=True)
class Labelled:
    mood: Mood
    objection: str
    said: str


def labelled(language: str, half: str) -> list[Labelled]:
    lines = (FOLDER / f"{language}_{half}.tsv").read_text("utf-8").splitlines()
    return [Labelled(MOODS[mood], kind, said) for mood, kind, said in (line.split("\t") for line in lines)]


def accuracy(language: str, half: str) -> tuple[float, float]:
    lexicon = lexicon_for(language)
    lines = labelled(language, half)
    moods = sum(judge(line.said, lexicon).mood is line.mood for line in lines)
    kinds = 0
    for line in lines:
        found = find_objections(line.said, lexicon)
        kinds += (found[0].kind.value if found else NO_OBJECTION) == line.objection
    return moods / len(lines), kinds / len(lines)


@pytest.mark.parametrize("language", ["en", "pt"])
@pytest.mark.parametrize(
    ("half", "moods_min", "objections_min"), [("tuning", 0.95, 0.95), ("held_out", 0.85, 0.85), ("idioms", 0.5, 0.6)]
)
def test_most_utterances_are_judged_as_a_person_would(
    language: str, half: str, moods_min: float, objections_min: float, record_property: Callable[[str, object], None]
) -> None:
    moods, objections = accuracy(language, half)
    record_property(f"{language}_{half}", f"moods {moods:.3f}, objections {objections:.3f}")
    assert moods >= moods_min, f"{language} {half}: {moods:.3f} of the moods"
    assert objections >= objections_min, f"{language} {half}: {objections:.3f} of the objections"


@pytest.mark.parametrize("language", ["en", "pt"])
def test_no_utterance_of_the_other_sign_is_taken_for_certain_too_often(language: str) -> None:
    """A friendly caller who is taken for a hostile one is worse than one of whom nothing is known."""
    lexicon = lexicon_for(language)
    lines = [line for half in ("tuning", "held_out", "idioms") for line in labelled(language, half)]
    turned = [
        line.said for line in lines if {line.mood, judge(line.said, lexicon).mood} == {Mood.NEGATIVE, Mood.POSITIVE}
    ]
    assert len(turned) <= 0.03 * len(lines), turned


@pytest.mark.parametrize("language", ["en", "pt"])
def test_the_two_halves_share_no_utterance(language: str) -> None:
    halves = [{line.said.lower() for line in labelled(language, half)} for half in ("tuning", "held_out")]
    assert not halves[0] & halves[1]
    assert sum(map(len, halves)) >= 120
