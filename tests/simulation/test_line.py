"""The far end of a simulated line: what is heard, when, and which marks come back."""

import asyncio

from bench.sim import word_code
from bench.sim.line import SimLine
from bench.sim.loop import START_S, SimLoop, run_virtual
from bench.sim.record import PlayedWord, Span

_BEGAN_MS = START_S * 1_000
LEXICON = [("one", 200), ("two", 300)]


def _words() -> list[bytes]:
    return [word_code.encode(number, length_ms) for number, (_, length_ms) in enumerate(LEXICON)]


def test_audio_is_heard_a_trip_later_and_marks_come_back_behind_it() -> None:
    async def main(loop: SimLoop) -> tuple[SimLine, list[tuple[str, float]]]:
        marks: list[tuple[str, float]] = []
        line = SimLine(50, lambda mark: marks.append((mark, loop.time() * 1_000 - _BEGAN_MS)), lambda: None)
        one, two = _words()
        line.play(one, "a")
        line.play(two, None)
        line.play(b"", "b")
        await asyncio.sleep(2)
        return line, marks

    line, marks = run_virtual(main)
    assert [(mark, round(at_ms)) for mark, at_ms in marks] == [("a", 300), ("b", 600)]
    assert line.sound() == [Span(_BEGAN_MS + 50, _BEGAN_MS + 550)]
    assert line.words(LEXICON) == [
        PlayedWord("one", 200, 200, _BEGAN_MS + 50),
        PlayedWord("two", 300, 300, _BEGAN_MS + 250),
    ]


def test_a_clear_cuts_what_has_not_played_and_echoes_what_is_pending() -> None:
    async def main(loop: SimLoop) -> tuple[SimLine, list[tuple[str, float]]]:
        marks: list[tuple[str, float]] = []
        line = SimLine(50, lambda mark: marks.append((mark, loop.time() * 1_000 - _BEGAN_MS)), lambda: None)
        one, two = _words()
        line.play(one, "a")
        line.play(two, "b")
        await asyncio.sleep(0.35)
        line.clear()  # strikes at 400: 150 of the second word's 300 ms were heard
        await asyncio.sleep(2)
        return line, marks

    line, marks = run_virtual(main)
    assert [(mark, round(at_ms)) for mark, at_ms in marks] == [("a", 300), ("b", 450)]
    assert [(word.text, word.heard_ms) for word in line.words(LEXICON)] == [("one", 200), ("two", 150)]


def test_a_dead_line_is_heard_no_more_and_says_nothing() -> None:
    async def main(loop: SimLoop) -> tuple[SimLine, list[str]]:
        marks: list[str] = []
        line = SimLine(50, marks.append, lambda: None)
        one, two = _words()
        line.play(one, "a")
        await asyncio.sleep(0.15)
        line.die(loop.time() * 1_000)
        line.play(two, "b")
        line.clear()
        await asyncio.sleep(2)
        return line, marks

    line, marks = run_virtual(main)
    assert marks == []
    assert [(word.text, word.heard_ms) for word in line.words(LEXICON)] == [("one", 100)]


def test_a_lost_mark_never_comes() -> None:
    async def main(_: SimLoop) -> list[str]:
        marks: list[str] = []
        line = SimLine(50, marks.append, lambda: None, lambda: True)
        line.play(_words()[0], "a")
        await asyncio.sleep(2)
        return marks

    assert run_virtual(main) == []
