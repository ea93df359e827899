"""From names in a plan to recognisers: which need what, and what is said when it is not there."""

from pathlib import Path

import pytest

from agent.speech_process import SpeechProcess
from agent.speech_vendors import SpeechVendors, UnknownSpeech
from agent.stt.whisper_process import Patience, WhisperProcess
from tests.agent.stt import made_whisper
from tests.agent.stt.engines import utter
from tests.agent.stt.made_whisper import tone


def vendors(whisper: WhisperProcess | None = None) -> SpeechVendors:
    return SpeechVendors(SpeechProcess(), SpeechProcess(), whisper=whisper)


async def test_whisper_is_had_by_its_name_and_hears(tmp_path: Path) -> None:
    folder = made_whisper.make(tmp_path / "model")
    async with WhisperProcess.start(folder, Patience(20.0, 20.0)) as process, vendors(process) as speech:
        recognizer = await speech.open_recognizer(["whisper"], "en-US", (), print)
        await utter(recognizer, tone("tomorrow at ten"))
        assert (await recognizer.finish()).text == "tomorrow at ten"
        await recognizer.aclose()


async def test_whisper_without_a_model_names_the_setting() -> None:
    async with vendors() as speech:
        with pytest.raises(UnknownSpeech, match="'whisper' needs a model: set SALESOS_WHISPER_MODEL"):
            await speech.open_recognizer(["whisper"], "en-US", (), print)
