"""The real library with a model that was made by hand, and with files that are none."""

from pathlib import Path

import numpy as np
import pytest

from agent.stt.whisper_folder import BadModelFolder
from agent.stt.whisper_model import HearingFailed, WhisperEar
from media.codec import g711
from tests.agent.stt import made_whisper
from tests.agent.stt.made_whisper import SENTENCES, tone

SILENCE = g711.ULAW_SILENCE * (480 * 8)


def pcm(ulaw: bytes) -> bytes:
    return g711.decode(ulaw).astype("<i2").tobytes()


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    return made_whisper.make(tmp_path / "model")


@pytest.fixture(name="ear", scope="module")
def _ear(tmp_path_factory: pytest.TempPathFactory) -> WhisperEar:
    return WhisperEar(made_whisper.make(tmp_path_factory.mktemp("model")))


@pytest.mark.parametrize("text", SENTENCES)
def test_words_are_heard_and_lie_inside_the_sound(ear: WhisperEar, text: str) -> None:
    heard = ear.hear(pcm(SILENCE + tone(text)), "en", timed=True)
    assert heard.text == text
    assert [word for word, _, _ in heard.words] == text.split()
    assert heard.words[0][1] == 480  # not in the silence before it, where Whisper puts it
    starts = [start for _, start, _ in heard.words]
    ends = [end for _, _, end in heard.words]
    assert ends[0] == pytest.approx(780, abs=40)
    assert ends[-1] == pytest.approx(1_380, abs=40)
    assert starts == sorted(starts)
    assert heard.confidence > 0.9


def test_the_text_alone_is_had_without_times(ear: WhisperEar) -> None:
    heard = ear.hear(pcm(SILENCE + tone("yes i do")), "en", timed=False)
    assert (heard.text, heard.words) == ("yes i do", ())
    assert heard.confidence > 0.9


@pytest.mark.parametrize("audio", [b"", b"\x00", pcm(SILENCE)])
def test_nothing_is_heard_in_silence(ear: WhisperEar, audio: bytes) -> None:
    heard = ear.hear(audio, "en", timed=True)
    assert (heard.text, heard.words, heard.confidence) == ("", (), 0.0)


def test_noise_of_half_a_sample_and_an_odd_byte_do_no_harm(ear: WhisperEar) -> None:
    noise = np.random.default_rng(1).integers(-1, 2, 4_000).astype("<i2").tobytes()
    ear.hear(noise + b"\x01", "en", timed=True)


def test_what_is_longer_than_the_model_s_window_is_heard_to_its_end(ear: WhisperEar) -> None:
    pause = g711.ULAW_SILENCE * (31_000 * 8)
    heard = ear.hear(pcm(SILENCE + tone("yes i do") + pause + tone("tomorrow at ten")), "en", timed=True)
    assert heard.text.endswith("tomorrow at ten")
    assert heard.words[-1][1] > 31_000


def test_a_language_that_the_model_does_not_know_is_refused(ear: WhisperEar) -> None:
    with pytest.raises(HearingFailed, match="'pt'"):
        ear.hear(pcm(SILENCE), "pt", timed=True)


@pytest.mark.parametrize("name", ["model.bin", "tokenizer.json", "config.json"])
@pytest.mark.parametrize("content", [b"", b"\x00\x01garbage", b"{}"])
def test_a_corrupt_file_is_a_bad_folder_and_no_crash(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    if name == "config.json" and content == b"{}":
        WhisperEar(folder)  # the library does without
        return
    with pytest.raises(BadModelFolder, match=r"SALESOS_WHISPER_MODEL: the model in .* does not load"):
        WhisperEar(folder)


def test_a_model_that_was_cut_short_is_a_bad_folder(folder: Path) -> None:
    model = folder / "model.bin"
    model.write_bytes(model.read_bytes()[:10_000])
    with pytest.raises(BadModelFolder, match="does not load"):
        WhisperEar(folder)
