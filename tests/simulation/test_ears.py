"""The simulated recogniser knows the words of the frames that it was fed, and no others."""

import asyncio

import pytest

from agent.stt.port import TranscriptionUnavailable
from bench.sim.ears import EarTrouble, SaidWord, SimRecognizer, SimRecognizers, Speech
from bench.sim.loop import SimLoop, run_virtual

SPEECH = Speech([SaidWord("yes,", 1_000, 1_300), SaidWord("tomorrow", 1_340, 1_800)], lambda place: False)


def _frame(place_ms: int) -> bytes:
    return place_ms.to_bytes(4, "little") + bytes(316)


async def _open(trouble: EarTrouble, partials: list[str]) -> SimRecognizer:
    return await SimRecognizers("ear", SPEECH, trouble, lambda who, text: None).open((), partials.append)


def _understood(first_ms: int, last_ms: int) -> tuple[str, list[tuple[str, int]], list[str]]:
    async def main(_: SimLoop) -> tuple[str, list[tuple[str, int]], list[str]]:
        partials: list[str] = []
        recognizer = await _open(EarTrouble(), partials)
        recognizer.begin()
        for place in range(first_ms, last_ms, 20):
            recognizer.feed(_frame(place))
            await asyncio.sleep(0.02)
        heard = await recognizer.finish()
        return heard.text, [(word.text, word.start_ms) for word in heard.words], partials

    return run_virtual(main)


def test_it_understands_what_it_was_fed_with_times_from_its_first_frame() -> None:
    text, words, partials = _understood(900, 1_900)
    assert text == "yes, tomorrow"
    assert words == [("yes,", 100), ("tomorrow", 440)]
    assert partials
    assert all("yes, tomorrow".startswith(partial) for partial in partials)


def test_a_word_whose_beginning_it_missed_is_not_understood() -> None:
    assert _understood(1_200, 1_900)[0] == "tomorrow"


def test_silence_is_nothing() -> None:
    assert _understood(3_000, 3_500)[0] == ""


def test_it_fails_when_it_is_told_to_and_leaves_no_timer() -> None:
    async def main(loop: SimLoop) -> list[str]:
        recognizer = await _open(EarTrouble(fails=lambda: True), [])
        recognizer.begin()
        for place in range(1_000, 1_400, 20):
            recognizer.feed(_frame(place))
        with pytest.raises(TranscriptionUnavailable):
            await recognizer.finish()
        return loop.timers()

    assert run_virtual(main) == []
