"""The embedded voice: levels, lengths and word times."""

import gc

import numpy as np
import pytest
import soxr
from hypothesis import given
from hypothesis import strategies as st

from agent.tts.espeak_library import Espeak, EspeakFailed, WordStart
from agent.tts.espeak_speech import RATE_HZ, TEXT_CHARS_MAX, Rendered, render, word_times

SENTENCE = "Perfect, your meeting is tomorrow at 10."


@pytest.fixture(scope="module")
def engine() -> Espeak:
    return Espeak()


def samples(rendered: Rendered) -> "np.typing.NDArray[np.float64]":
    return np.frombuffer(rendered.pcm, "<i2").astype(np.float64)


def test_every_word_has_its_time_to_the_end_of_the_audio(engine: Espeak) -> None:
    rendered = render(engine, SENTENCE, "en-us")

    assert " ".join(word.text for word in rendered.words) == SENTENCE
    assert rendered.words[0].start_ms == 0
    assert rendered.words[-1].end_ms == len(rendered.pcm) // 2 * 1000 // RATE_HZ
    for word, following in zip(rendered.words, rendered.words[1:], strict=False):
        assert word.start_ms < word.end_ms == following.start_ms


def test_no_silence_to_speak_of_at_either_end(engine: Espeak) -> None:
    pcm = np.abs(samples(render(engine, SENTENCE, "en-us")))
    loud = np.flatnonzero(pcm > pcm.max() * 0.02)

    assert loud[0] <= 0.030 * RATE_HZ
    assert len(pcm) - loud[-1] <= 0.080 * RATE_HZ


@pytest.mark.parametrize("voice", ["en-us", "en-us+f3", "en-us+klatt4", "pt-br"])
def test_all_voices_speak_at_the_telephone_level(engine: Espeak, voice: str) -> None:
    pcm = samples(render(engine, SENTENCE, voice))
    active = pcm[np.abs(pcm) > np.abs(pcm).max() * 0.05]

    level = 20 * np.log10(np.sqrt(np.mean(active**2)) / 32_768)
    assert level == pytest.approx(-20.0, abs=1.0)
    assert np.abs(pcm).max() < 30_000


def test_the_length_is_espeaks_own_less_its_silence(engine: Espeak) -> None:
    pieces: list[bytes] = []

    def take(pcm: bytes, _words: list[WordStart]) -> bool:
        pieces.append(pcm)
        return True

    engine.speak(SENTENCE, take)
    raw_s = len(b"".join(pieces)) / 2 / engine.rate_hz

    spoken_s = len(render(engine, SENTENCE, "en-us").pcm) / 2 / RATE_HZ
    assert raw_s - 0.15 < spoken_s <= raw_s + 0.001


def test_it_sounds_as_espeak_made_it(engine: Espeak) -> None:
    pieces: list[bytes] = []

    def take(pcm: bytes, _words: list[WordStart]) -> bool:
        pieces.append(pcm)
        return True

    engine.speak(SENTENCE, take)
    wide = np.frombuffer(b"".join(pieces), np.int16).astype(np.float64)
    meant = soxr.resample(wide, engine.rate_hz, RATE_HZ)

    # The library breathes a little differently each time, so loudness over time is compared, not samples; the
    # silence cut off the front is found to the millisecond, for half a frame beside it costs as much likeness.
    spoken = envelope(samples(render(engine, SENTENCE, "en-us")))
    millisecond = RATE_HZ // 1000
    assert max(likeness(envelope(meant[lag * millisecond :]), spoken) for lag in range(80)) > 0.97


def envelope(pcm: "np.typing.NDArray[np.float64]") -> "np.typing.NDArray[np.float64]":
    frame = RATE_HZ // 100
    frames = pcm[: len(pcm) // frame * frame].reshape(-1, frame)
    return np.asarray(np.sqrt(np.mean(np.square(frames), axis=1)))


def likeness(one: "np.typing.NDArray[np.float64]", other: "np.typing.NDArray[np.float64]") -> float:
    length = min(len(one), len(other))
    return float(np.corrcoef(one[:length], other[:length])[0, 1])


def test_a_text_without_sound_has_words_and_no_audio(engine: Espeak) -> None:
    rendered = render(engine, " ... ", "en-us")
    assert rendered.pcm == b""
    assert [(word.text, word.start_ms, word.end_ms) for word in rendered.words] == [("...", 0, 0)]
    assert render(engine, "", "en-us") == Rendered(b"", ())


def test_a_second_object_that_is_gone_leaves_the_first_one_speaking(engine: Espeak) -> None:
    render(Espeak(), "Olá.", "pt-br")
    gc.collect()
    rendered = render(engine, SENTENCE, "en-us")
    assert rendered.pcm
    assert " ".join(word.text for word in rendered.words) == SENTENCE


def test_another_voice_between_changes_nothing(engine: Espeak) -> None:
    first = render(engine, SENTENCE, "en-us")
    render(engine, "Something else altogether!", "en-us+f3")
    again = render(engine, SENTENCE, "en-us")

    assert len(again.pcm) == pytest.approx(len(first.pcm), abs=0.02 * RATE_HZ * 2)
    for one, other in zip(first.words, again.words, strict=True):
        assert one.start_ms == pytest.approx(other.start_ms, abs=20)


def test_what_cannot_be_spoken_is_refused(engine: Espeak) -> None:
    with pytest.raises(EspeakFailed, match="unknown voice"):
        render(engine, "Hello.", "xx-nobody")
    with pytest.raises(EspeakFailed, match="longer than"):
        render(engine, "a " * TEXT_CHARS_MAX, "en-us")


def test_words_run_together_share_their_time() -> None:
    words = word_times("of the house", [WordStart(0, 2, 100), WordStart(7, 5, 800)], 100, 1000)
    assert [(word.text, word.start_ms, word.end_ms) for word in words] == [
        ("of", 0, 300), ("the", 300, 700), ("house", 700, 1000),
    ]  # fmt: skip


STARTS = st.lists(st.builds(WordStart, st.integers(0, 60), st.integers(1, 9), st.integers(-50, 5000)), max_size=12)


@given(st.text(alphabet="ab .,-é", max_size=50), STARTS, st.integers(0, 200), st.integers(1, 4000))
def test_whatever_the_library_says_word_times_are_in_order(
    text: str, starts: list[WordStart], trimmed_ms: int, length_ms: int
) -> None:
    words = word_times(text, starts, trimmed_ms, length_ms)

    assert [word.text for word in words] == text.split()
    edges = [edge for word in words for edge in (word.start_ms, word.end_ms)]
    assert edges == sorted(edges)
    assert not edges or (edges[0] == 0 and edges[-1] == length_ms)
