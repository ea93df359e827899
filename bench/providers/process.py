"""The providers' process: started before the server that asks them, ended with it."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from events.plan import Providers

STOP_TIMEOUT_S: Final = 5.0
TOKEN_GAP_MS: Final = 10  # between the tokens of a model that takes time at all


class Timing(msgspec.Struct, frozen=True):
    """How fast the providers are, in ms."""

    stt_final_ms: int = 0  # from the last syllable received to its words
    first_token_ms: int = 0
    token_gap_ms: int = 0
    first_audio_ms: int = 0  # from a clause's text to its first sound
    stt_partial_ms: int = -1  # from the last syllable received to a first guess that has its word; -1: there is none
    spoken_ms: int = 0  # how long a caller's utterance is; 0: not known

    @property
    def clause_ms(self) -> int:
        """From the first token of the bench's answer to the end of its first clause, which is three tokens."""
        return 2 * self.token_gap_ms


class Addresses(msgspec.Struct, frozen=True):
    """Where the providers are."""

    deepgram: str
    elevenlabs: str
    openai: str

    @property
    def urls(self) -> dict[str, str]:
        """By vendor."""
        return msgspec.structs.asdict(self)


# As bench/providers/server.py serves them.
PROVIDERS: Final = Providers(stt="deepgram:nova-3", tts="elevenlabs:tone", llm="openai:bench")


class Behind(msgspec.Struct, frozen=True):
    """What a bench server's calls have behind sockets, and what the node does with it."""

    urls: dict[str, str]  # by vendor, or by the whole name of a recogniser or voice
    smart_turn: bool = False
    speculate: bool = False
    providers: Providers = PROVIDERS
    tools: tuple[str, ...] = ()
    stock_phrases: bool = False  # are made once and kept, as on a node


@contextlib.contextmanager
def provider_process(
    timing: Timing | None = None, core: int = -1, personas: Sequence[str] = ()
) -> Generator[Addresses]:
    """Run bench/providers/server.py while the context is open, on a core if one is named. Blocking.

    `personas`: whose lines the recogniser makes out, by their sound.

    Raises:
        RuntimeError: it ended before it said where it is.
    """
    timing = timing or Timing()
    options = [f"--{name.replace('_', '-')}={value}" for name, value in msgspec.structs.asdict(timing).items()]
    options += [f"--persona={name}" for name in personas]
    words = [sys.executable, "-m", "bench.providers.server", f"--core={core}", *options]
    process = subprocess.Popen(  # noqa: S603 - our own program
        words, stdout=subprocess.PIPE, env=os.environ.copy(), cwd=Path(__file__).parents[2]
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError("the providers' process ended before it was ready")
        yield msgspec.convert(json.loads(line), Addresses)
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
