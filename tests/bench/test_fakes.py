"""The bench's minds keep the ports' promises, and take no time."""

from contextlib import aclosing

import numpy as np

from agent.llm.port import EventName, Message, Model, Request, Role, Text
from agent.stt.port import Recognizer
from agent.tts.port import Voice
from bench.fakes import ANSWER, TONE_HZ, TONE_MS, instant_minds


async def test_the_recogniser_knows_what_was_said_when_it_was_fed_and_nothing_otherwise() -> None:
    recognizer: Recognizer = instant_minds().recognizer
    recognizer.begin()
    for _ in range(50):
        recognizer.feed(bytes(320))
    heard = await recognizer.finish()
    assert heard.text == " ".join(word.text for word in heard.words)
    assert heard.words[-1].end_ms == 1_000, "words lie within what was fed"
    recognizer.begin()
    assert (await recognizer.finish()).text == ""
    await recognizer.aclose()


async def test_the_model_says_twelve_words_as_one_sentence() -> None:
    model: Model = instant_minds().model
    async with aclosing(model.reply(Request((Message(Role.EVENT, EventName.ANSWERED),)))) as deltas:
        texts = [delta.text async for delta in deltas if isinstance(delta, Text)]
    assert texts == [ANSWER]
    assert len(ANSWER.split()) == 12


async def test_the_voice_is_a_tone_of_two_seconds_with_the_time_of_every_word() -> None:
    voice: Voice = instant_minds().voice
    async with aclosing(voice.speak(ANSWER)) as pieces:
        (speech,) = [piece async for piece in pieces]
    pcm = np.frombuffer(speech.audio, np.int16)
    assert len(pcm) == TONE_MS * speech.rate_hz // 1000
    spectrum = np.abs(np.fft.rfft(pcm))
    assert int(np.argmax(spectrum)) * speech.rate_hz // len(pcm) == TONE_HZ
    assert " ".join(word.text for word in speech.words) == ANSWER
    ends = [word.end_ms for word in speech.words]
    assert ends == sorted(ends)
    assert ends[-1] == TONE_MS
