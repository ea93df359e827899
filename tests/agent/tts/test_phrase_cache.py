"""Fixed phrases on disk: said again without the vendor, bounded, and never half."""

import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import pytest

from agent.tts.phrase_cache import CachedVoice, PhraseCache
from agent.tts.port import Encoding, Speech, SpeechUnavailable, SpokenWord
from bench.providers.speech_script import Refusal, Saying
from tests.agent.tts.voices import WORDS, elevenlabs

PHRASE = "one two three"


async def speak(voice: CachedVoice, text: str = PHRASE) -> list[Speech]:
    async with aclosing(voice.speak(text)) as pieces:
        return [piece async for piece in pieces]


async def test_a_phrase_is_asked_for_once_and_said_the_same_again(tmp_path: Path) -> None:
    cache = PhraseCache(tmp_path / "phrases")
    async with elevenlabs(Saying(vocabulary=WORDS)) as (voice, server):
        first = await speak(CachedVoice(voice, "anna en", {PHRASE}, cache))
        again = await speak(CachedVoice(voice, "anna en", {PHRASE}, cache))
        assert again == first
        assert server.seen[0].texts == [PHRASE]
        await speak(CachedVoice(voice, "anna pt", {PHRASE}, cache))
        assert server.seen[0].texts == [PHRASE, PHRASE]


async def test_a_phrase_is_said_though_the_vendor_is_away(tmp_path: Path) -> None:
    cache = PhraseCache(tmp_path)
    async with elevenlabs(Saying(vocabulary=WORDS)) as (voice, _server):
        said = await speak(CachedVoice(voice, "anna", {PHRASE}, cache))
    async with elevenlabs(Refusal(500)) as (voice, _server):
        away = CachedVoice(voice, "anna", {PHRASE}, cache)
        assert await speak(away) == said
        with pytest.raises(SpeechUnavailable):
            await speak(away, "four five")


async def test_what_is_no_fixed_phrase_is_not_kept(tmp_path: Path) -> None:
    async with elevenlabs(Saying(vocabulary=WORDS)) as (voice, _server):
        await speak(CachedVoice(voice, "anna", {PHRASE}, PhraseCache(tmp_path)), "four five")
    assert list(tmp_path.iterdir()) == []


async def test_speech_that_was_taken_back_or_broke_off_is_not_kept(tmp_path: Path) -> None:
    class Breaks:
        async def speak(self, text: str) -> AsyncGenerator[Speech, None]:
            yield Speech(b"\xff" * 800, 8_000, (SpokenWord(text, 0, 100),), Encoding.ULAW)
            raise SpeechUnavailable("broke")

    cache = PhraseCache(tmp_path)
    with pytest.raises(SpeechUnavailable):
        await speak(CachedVoice(Breaks(), "anna", {PHRASE}, cache))
    async with (
        elevenlabs(Saying(vocabulary=WORDS)) as (voice, _server),
        aclosing(CachedVoice(voice, "anna", {PHRASE}, cache).speak(PHRASE)) as pieces,
    ):
        await anext(pieces)
    assert list(tmp_path.iterdir()) == []


async def test_phrases_are_had_ready_and_a_voice_that_fails_at_it_does_no_harm(tmp_path: Path) -> None:
    cache = PhraseCache(tmp_path)
    async with elevenlabs(Saying(vocabulary=WORDS)) as (voice, server):
        await CachedVoice(voice, "anna", {PHRASE, "four"}, cache).have_ready([PHRASE, "four"])
        assert server.seen[0].texts == [PHRASE, "four"]
    async with elevenlabs(Refusal(401)) as (voice, _server):
        await CachedVoice(voice, "other", {PHRASE}, cache).have_ready([PHRASE])
    assert len(list(tmp_path.iterdir())) == 2


def speech(size: int) -> list[Speech]:
    return [Speech(bytes(size), 8_000, (SpokenWord("a", 0, 10),), Encoding.ULAW)]


def test_the_folder_has_a_bound_and_what_was_not_said_for_longest_goes(tmp_path: Path) -> None:
    cache = PhraseCache(tmp_path, limit_bytes=3_500)
    for number in range(3):
        cache.store("anna", f"phrase {number}", speech(1_000))
    for number in range(3):
        os.utime(cache._path("anna", f"phrase {number}"), (number, number))
    assert cache.load("anna", "phrase 0") == tuple(speech(1_000))
    cache.store("anna", "phrase 3", speech(1_000))
    assert cache.load("anna", "phrase 1") is None
    assert all(cache.load("anna", f"phrase {number}") for number in (0, 2, 3))


def test_a_phrase_that_no_bound_allows_is_not_kept(tmp_path: Path) -> None:
    PhraseCache(tmp_path, limit_bytes=500).store("anna", "long", speech(1_000))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("raw", [b"", b"\x00\xff", b"\x91\x01"])
def test_a_file_that_cannot_be_read_is_as_good_as_none(tmp_path: Path, raw: bytes) -> None:
    cache = PhraseCache(tmp_path)
    cache._path("anna", "x").write_bytes(raw)
    assert cache.load("anna", "x") is None
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_no_fault_of_the_call(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    cache = PhraseCache(tmp_path / "file")
    cache.store("anna", "x", speech(10))
    assert cache.load("anna", "x") is None
