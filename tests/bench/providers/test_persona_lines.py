"""Personas' lines as the carrier in a box sends them, made out again."""

from collections.abc import Iterator

import pytest

from bench.portuguese_personas import PORTUGUESE
from bench.providers.persona_lines import FOLDER, UnknownPersona, lines_of
from telephony.carrier import ulaw
from telephony.carrier.actor import Actor
from telephony.carrier.casting import cast
from telephony.carrier.ear import Ear
from telephony.carrier.persona import load_folder
from telephony.carrier.voice import VoiceThread


@pytest.fixture
def voice() -> Iterator[VoiceThread]:
    voice = VoiceThread()
    yield voice
    voice.close()


async def test_what_a_persona_says_on_its_line_is_made_out_word_by_word(voice: VoiceThread) -> None:
    known = await lines_of(tuple(PORTUGUESE), voice)
    actor = Actor(await cast(load_folder(FOLDER)["portuguese"], FOLDER, None, voice), Ear())
    sent = b""
    for now_ms in range(0, 3_000, 20):
        act = actor.act(now_ms)
        sent += ulaw.SILENT_FRAME if act.pcm is None else ulaw.encode(act.pcm)
    assert [word.text for word in known.understand(sent)] == ["Alô?"]


async def test_an_unknown_persona_is_named(voice: VoiceThread) -> None:
    with pytest.raises(UnknownPersona, match=r"'nobody'.*eager"):
        await lines_of(["nobody"], voice)
