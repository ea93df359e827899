"""A recogniser, a model and a voice in one process of their own, behind real sockets, as fast as they are told to be.

Deepgram's and ElevenLabs' sockets and OpenAI's stream, as the other files here serve them. What they say is
bench/fakes.py's: the same text for each utterance, twelve words for an answer, a tone for a voice.

`python -m bench.providers.server` prints its addresses as one line of JSON and serves until SIGTERM.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Final

import msgspec
import numpy as np
import typer
import uvloop

from bench.fakes import ANSWER, HEARD, TONE, TONE_MS
from bench.providers.chat_script import Answer
from bench.providers.chat_server import ChatServer
from bench.providers.coded_speech import PAUSE_MS
from bench.providers.deepgram import Deepgram
from bench.providers.elevenlabs import ElevenLabs
from bench.providers.openai_chat import OpenAIChat
from bench.providers.process import Addresses, Timing
from bench.providers.socket_server import SpeechServer
from bench.providers.speech_script import Hearing, Saying
from media.codec import g711

PARENT_LOOK_S: Final = 1.0


def hearing(timing: Timing) -> Hearing:
    final_s = timing.stt_final_ms / 1000
    partial_s = timing.stt_partial_ms / 1000 if timing.stt_partial_ms >= 0 else None
    return Hearing(texts=(HEARD,), final_s=final_s, turn_s=final_s, partial_s=partial_s, spoken_ms=timing.spoken_ms)


def saying(timing: Timing) -> Saying:
    tone = g711.encode(np.frombuffer(TONE, np.int16))
    word_ms = round(TONE_MS / len(ANSWER.split())) - PAUSE_MS
    return Saying(first_audio_s=timing.first_audio_ms / 1000, word_ms=word_ms, sound=tone)


def answer(timing: Timing) -> Answer:
    first, *others = ANSWER.split()
    pieces = (first, *(f" {word}" for word in others))
    return Answer(pieces, first_token_s=timing.first_token_ms / 1000, gap_s=timing.token_gap_ms / 1000)


async def serve(timing: Timing, personas: Sequence[str] = ()) -> None:
    """`personas`: whose lines the recogniser makes out, by their sound; none: it hears the same text always."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    heard, said, answered = hearing(timing), saying(timing), answer(timing)
    if personas:
        # A telephone line's world: only who asks for it pays for it.
        from bench.providers.persona_lines import lines_of
        from telephony.carrier.voice import VoiceThread

        voice = VoiceThread()
        heard = replace(heard, vocabulary=await lines_of(personas, voice))
        voice.close()
    async with (
        SpeechServer(Deepgram(), lambda _seen: heard) as deepgram,
        SpeechServer(ElevenLabs(), lambda _seen: said) as elevenlabs,
        ChatServer(OpenAIChat(), lambda _seen: answered) as openai,
    ):
        where = Addresses(deepgram.url, elevenlabs.url, openai.base_url)
        sys.stdout.write(msgspec.json.encode(where).decode() + "\n")
        sys.stdout.flush()
        parent = os.getppid()
        # A bench that is killed ends nobody: whose parent is another one has been left behind.
        while not stopping.is_set() and os.getppid() == parent:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PARENT_LOOK_S):
                    await stopping.wait()


def main(
    core: Annotated[int, typer.Option(help="Pin the process to this core; -1: to none.")] = -1,
    stt_final_ms: int = 0,
    first_token_ms: int = 0,
    token_gap_ms: int = 0,
    first_audio_ms: int = 0,
    stt_partial_ms: int = -1,
    spoken_ms: int = 0,
    persona: Annotated[
        list[str] | None, typer.Option(help="Make out the lines of this persona, by their sound; repeat for more.")
    ] = None,
) -> None:
    if core >= 0:
        os.sched_setaffinity(0, {core})
    timing = Timing(stt_final_ms, first_token_ms, token_gap_ms, first_audio_ms, stt_partial_ms, spoken_ms)
    uvloop.run(serve(timing, persona or ()))


if __name__ == "__main__":
    typer.run(main)
