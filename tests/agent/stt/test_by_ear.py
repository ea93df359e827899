"""From a caller's voice through a telephone line, the recogniser and the playbook to what was meant.

The phrases are everyday answers; none is tuned for, and the playbook knows no caller's script. The embedded
klatt6 voice must nearly always be understood, other voices mostly. A few misses are allowed for each: espeak-ng
never speaks the same way twice, and what is missed is asked again.
"""

import wave
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import numpy as np
import pytest
import soxr

from agent.llm.intents import Listener, Understanding
from agent.llm.playbook import phrases
from agent.stt.sphinx import HeardText, PhraseModel, Utterance
from agent.turns.assent import is_backchannel
from agent.turns.word_lists import lists_for
from agent.turns.wording import normals
from tests.agent.llm.playbooks import energy_meeting
from tests.agent.stt.lines import FLITE, RATE_HZ, spoken, telephone

LISTENER: Final = Listener(energy_meeting())
# Recordings of real voices, where a checkout has them at its side.
HUMAN: Final = Path(__file__).parents[4] / "shared" / "audio"

# What is said, one of the meanings that will do, and the time in it.
LINES: Final[tuple[tuple[str, set[str], str], ...]] = (
    ("Hello?", {"hello"}, ""),
    ("Yes, sure.", {"yes"}, ""),
    ("Yes, I do.", {"yes"}, ""),
    ("Yes, that sounds good.", {"yes"}, ""),
    ("Tomorrow at ten.", set(), "tomorrow at ten"),
    ("Yes, tomorrow at ten.", set(), "tomorrow at ten"),
    ("Thank you, goodbye.", {"goodbye"}, ""),
    ("I'm busy right now, call me back tomorrow at three.", {"busy", "callback"}, "tomorrow at three"),
    ("How much does it cost? That is too expensive.", {"price"}, ""),
    ("We already have a supplier.", {"has_supplier"}, ""),
    ("No, not interested, thank you.", {"not_interested"}, ""),
    ("Take me off your list.", {"opt_out"}, ""),
    ("Sorry, wait, who is this?", {"who_is_this", "wait"}, ""),
    ("Hold on a second.", {"wait"}, ""),
    ("Please stop calling me.", {"opt_out"}, ""),
    ("No, thank you.", {"no"}, ""),
    ("On Monday morning.", set(), "Monday morning"),
    ("Goodbye.", {"goodbye"}, ""),
)
LINES_AT: Final[tuple[dict[str, float], ...]] = (
    {},
    {"level_dbfs": -26.0, "before_ms": 50, "noise": 10.0},
    {"level_dbfs": -14.0, "before_ms": 480},
)


@pytest.fixture(scope="module", name="model")
def _model() -> Iterator[PhraseModel]:
    with closing(PhraseModel(phrases(energy_meeting()))) as model:
        yield model


def hear(model: PhraseModel, pcm: bytes, mean: str = "") -> HeardText:
    utterance = Utterance(model, mean)
    for at in range(0, len(pcm), 320):
        utterance.feed(pcm[at : at + 320])
    return utterance.finish()


def suits(meant: Understanding, wanted: set[str], when: str) -> bool:
    names = {item.intent.value if item.intent else item.objection for item in meant.found}
    told = not when or (meant.when is not None and when in meant.when.text)
    return told and (not wanted or not wanted.isdisjoint(names))


def misunderstood(model: PhraseModel, voice: str, folder: Path, **line: float) -> list[str]:
    """Return the lines that were not understood, each with what was heard, in one call's order."""
    wrong = []
    mean = ""
    for text, wanted, when in LINES:
        pcm = spoken(
            text,
            voice,
            folder,
            level_dbfs=line.get("level_dbfs", -20.0),
            before_ms=int(line.get("before_ms", 200)),
            noise=line.get("noise", 0.0),
        )
        heard = hear(model, pcm, mean)
        mean = heard.cepstral_mean
        if not suits(LISTENER.understand(heard.text), wanted, when):
            wrong.append(f"{text} -> {heard.text} ({heard.confidence:.2f})")
    return wrong


def test_all_words_of_the_playbook_are_in_the_dictionary(model: PhraseModel) -> None:
    assert model.unknown_words == ()


@pytest.mark.parametrize("line", LINES_AT, ids=["usual", "quiet", "loud"])
def test_the_embedded_caller_is_understood(model: PhraseModel, tmp_path: Path, line: dict[str, float]) -> None:
    wrong = misunderstood(model, "klatt6", tmp_path, **line)
    assert len(wrong) <= 1, wrong


@pytest.mark.parametrize(("voice", "wrong_max"), [("klatt4", 3)])
def test_other_embedded_callers_are_mostly_understood(
    model: PhraseModel, tmp_path: Path, voice: str, wrong_max: int
) -> None:
    wrong = misunderstood(model, voice, tmp_path)
    assert len(wrong) <= wrong_max, wrong


@pytest.mark.skipif(FLITE is None, reason="flite is not installed")
@pytest.mark.parametrize(("voice", "wrong_max"), [("rms", 1)])
def test_another_engines_callers_are_mostly_understood(
    model: PhraseModel, tmp_path: Path, voice: str, wrong_max: int
) -> None:
    wrong = misunderstood(model, voice, tmp_path)
    assert len(wrong) <= wrong_max, wrong


def test_a_sign_of_listening_is_one_or_nothing(model: PhraseModel, tmp_path: Path) -> None:
    for voice in ("klatt6", "klatt4"):
        heard = hear(model, spoken("uh-huh", voice, tmp_path))
        assert not heard.text or LISTENER.is_backchannel(heard.text)


def human(path: Path) -> bytes:
    if path.suffix == ".wav":
        with wave.open(str(path)) as file:
            raw, rate_hz = file.readframes(file.getnframes()), file.getframerate()
    else:
        raw, rate_hz = path.read_bytes(), 16_000
    return telephone(np.asarray(soxr.resample(np.frombuffer(raw, "<i2").astype(np.float64), rate_hz, RATE_HZ)))


@pytest.mark.skipif(not HUMAN.is_dir(), reason="the human recordings are not here")
def test_human_voices_are_taken_and_nothing_rash_follows(model: PhraseModel) -> None:
    """Speech that the playbook does not know must book nothing and put nobody on the do-not-call list."""
    paths = sorted([*HUMAN.glob("*.wav"), *HUMAN.glob("*.raw")])
    assert paths
    for path in paths:
        meant = LISTENER.understand(hear(model, human(path)).text)
        assert not suits(meant, {"opt_out"}, ""), path.name
        assert meant.when is None or not meant.when.has_day or not meant.when.has_time, path.name


@pytest.mark.parametrize("hum", ["mm-hmm", "[[m'mhm]]"], ids=["as the voices say it", "with closed lips"])
def test_a_hum_is_heard_as_one(model: PhraseModel, tmp_path: Path, hum: str) -> None:
    """A recogniser of words makes "am I am" and "eleven" of it unless it knows how people hum."""
    nods = normals(energy_meeting().backchannels) | lists_for("en").backchannels
    voices = ("klatt4", "klatt6", "klatt3", "f3", "m3", "f2")
    heard = [hear(model, spoken(hum, voice, tmp_path)).text for voice in voices]
    assert sum(is_backchannel(text, nods) for text in heard) >= len(voices) - 1, heard
