"""The recogniser's engine: models, utterances, bounds."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.stt.sphinx import HeardText, HearingImpossible, PhraseModel, Utterance
from tests.agent.stt.lines import spoken

PHRASES = ("yes i do", "no thank you", "tomorrow at ten", "tomorrow at three", "take me off your list", "hello")


@pytest.fixture(scope="module", name="model")
def _model() -> Iterator[PhraseModel]:
    with closing(PhraseModel(PHRASES)) as model:
        yield model


def hear(pcm: bytes, model: PhraseModel, mean: str = "", bite: int = 320) -> tuple[HeardText, list[str]]:
    utterance = Utterance(model, mean)
    partials = [utterance.feed(pcm[at : at + bite]) for at in range(0, len(pcm), bite)]
    return utterance.finish(), [text for text in partials if text is not None]


@pytest.mark.parametrize("text", ["Tomorrow at ten.", "Take me off your list.", "Hello?"])
def test_phrases_are_heard_with_times_and_confidence(model: PhraseModel, tmp_path: Path, text: str) -> None:
    pcm = spoken(text, "klatt4", tmp_path)
    heard, partials = hear(pcm, model)

    assert heard.text == text.lower().strip(".?")
    assert [word for word, _, _ in heard.words] == heard.text.split()
    assert 0.3 < heard.confidence <= 1.0
    edges = [edge for _, *span in heard.words for edge in span]
    assert edges == sorted(edges)
    assert edges[0] >= 100  # the line is silent for 200 ms first
    assert edges[-1] <= len(pcm) / 16
    assert partials
    assert partials[-1] in heard.text or heard.text in partials[-1]


def test_an_utterance_leaves_nothing_behind_in_its_decoder(model: PhraseModel, tmp_path: Path) -> None:
    line = spoken("No, thank you.", "klatt6", tmp_path)
    alone = hear(line, model)
    hear(spoken("Tomorrow at three.", "klatt6", tmp_path, level_dbfs=-10), model)
    Utterance(model).drop()

    again = hear(line, model)
    # Its codebooks remember the last frame, which moves the posterior in the second digit and nothing else.
    assert (again[0].text, again[0].words, again[1]) == (alone[0].text, alone[0].words, alone[1])
    assert again[0].confidence == pytest.approx(alone[0].confidence, abs=0.1)


def test_two_utterances_at_once_are_kept_apart(model: PhraseModel, tmp_path: Path) -> None:
    one, other = spoken("Tomorrow at ten.", "klatt6", tmp_path), spoken("Take me off your list.", "klatt6", tmp_path)
    first, second = Utterance(model), Utterance(model)
    for at in range(0, max(len(one), len(other)), 320):
        first.feed(one[at : at + 320])
        second.feed(other[at : at + 320])

    assert (first.finish().text, second.finish().text) == ("tomorrow at ten", "take me off your list")


def test_the_size_of_the_bites_changes_nothing(model: PhraseModel, tmp_path: Path) -> None:
    pcm = spoken("Tomorrow at ten.", "klatt6", tmp_path)
    assert hear(pcm, model, bite=320)[0].text == hear(pcm, model, bite=5_000)[0].text


@pytest.mark.parametrize("pcm", [b"", b"\x00", bytes(320), bytes(32_000)], ids=["nothing", "odd", "a frame", "silence"])
def test_no_voice_is_no_words(model: PhraseModel, pcm: bytes) -> None:
    heard, _ = hear(pcm, model)
    assert (heard.text, heard.words) == ("", ())


def test_a_cough_is_no_words(model: PhraseModel) -> None:
    noise = np.random.default_rng(3).normal(0, 4_000, 2_400) * np.exp(-np.arange(2_400) / 600)
    heard, _ = hear(bytes(3_200) + noise.astype("<i2").tobytes() + bytes(4_800), model)
    assert heard.text == ""


def test_the_line_is_remembered_by_its_cepstral_mean(model: PhraseModel, tmp_path: Path) -> None:
    first, _ = hear(spoken("Yes, I do.", "klatt6", tmp_path), model)
    second, _ = hear(spoken("Tomorrow at ten.", "klatt6", tmp_path), model, mean=first.cepstral_mean)

    assert len(first.cepstral_mean.split(",")) == 13
    assert second.text == "tomorrow at ten"
    assert second.cepstral_mean != first.cepstral_mean


def test_unknown_words_are_reported_and_their_phrases_left_out() -> None:
    with closing(PhraseModel(("hello", "hello xyzzyq", "plughy"))) as model:
        assert model.unknown_words == ("plughy", "xyzzyq")


def test_one_phrase_of_one_word_is_enough(tmp_path: Path) -> None:
    with closing(PhraseModel(("hello",))) as model:
        heard, _ = hear(spoken("Hello?", "klatt6", tmp_path), model)
    assert set(heard.text.split()) <= {"hello"}


def test_no_known_word_is_refused() -> None:
    with pytest.raises(HearingImpossible):
        PhraseModel(("xyzzyq",))
    with pytest.raises(HearingImpossible):
        PhraseModel(())


@settings(max_examples=15, deadline=None)
@given(st.lists(st.binary(max_size=2_000), max_size=8))
def test_any_bytes_are_audio(model: PhraseModel, pieces: list[bytes]) -> None:
    utterance = Utterance(model)
    for piece in pieces:
        utterance.feed(piece)
    heard = utterance.finish()
    assert 0.0 <= heard.confidence <= 1.0
