"""What a call behind sockets adds to its providers' time, and a whole one through real sockets."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from agent.llm.port import Message, Request, Role, Text
from agent.minds import MindsUnavailable, own_keys
from bench.fakes import ANSWER, HEARD, TONE_MS
from bench.loopback_carrier import new_plan
from bench.providers.process import Addresses, Behind, Timing, provider_process
from bench.socket_calls import added_ms, apart_ms
from bench.socket_minds import SocketMinds
from events.ids import new_id
from media.codec.g711 import ULAW_SILENCE
from media.frame import FRAME_SAMPLES

TIMING = Timing(stt_final_ms=250, first_token_ms=350, token_gap_ms=10, first_audio_ms=90)
NOBODY = "ws://127.0.0.1:9"  # discard: nobody listens there
VOICED = b"\x20\xa0" * (FRAME_SAMPLES // 2)


def test_what_is_added_is_what_neither_the_providers_nor_the_wait_explain() -> None:
    late_words = {"end_of_turn_ms": 200, "sent_ms": 250 + 350 + 20 + 90 + 7}
    late_turn = {"end_of_turn_ms": 900, "sent_ms": 900 + 350 + 20 + 90 + 12}
    unsent = {"end_of_turn_ms": 900, "sent_ms": None}
    assert added_ms([late_words, late_turn, unsent], TIMING) == [7, 12]


def test_the_waterfall_is_held_against_the_callers_clock() -> None:
    assert apart_ms([{"sent_ms": 900}, {"sent_ms": 910}, {"sent_ms": None}], [921.0, 933.0]) == 2.0
    assert apart_ms([], [900.0]) is None


async def test_the_minds_of_a_bench_call_hear_think_and_speak_through_the_product_s_providers(tmp_path: Path) -> None:
    said: list[str] = []
    with provider_process() as addresses:
        async with SocketMinds.start(Behind(addresses.urls), tmp_path) as minds:
            made = await minds.open(minds.plan(new_plan(new_id())), said.append, lambda _sign: None)
            made.recognizer.begin()
            for frame in [ULAW_SILENCE * FRAME_SAMPLES] * 5 + [VOICED] * 40:
                made.recognizer.feed(frame)
            async with asyncio.timeout(10):
                assert (await made.recognizer.finish()).text == HEARD
                request = Request((Message(Role.USER, HEARD),))
                answer = "".join([delta.text async for delta in made.model.reply(request) if isinstance(delta, Text)])
                pieces = [piece async for piece in made.voice.speak(answer)]
            assert answer == ANSWER
            assert sum(len(piece.audio) for piece in pieces) == pytest.approx(TONE_MS * 8, rel=0.01)
            assert [word.text for piece in pieces for word in piece.words] == ANSWER.split()
            await made.aclose()


async def test_providers_that_are_away_are_told_as_such(tmp_path: Path) -> None:
    nowhere = Behind(Addresses(NOBODY, NOBODY, "http://127.0.0.1:9").urls)
    async with SocketMinds.start(nowhere, tmp_path) as minds:
        with pytest.raises(MindsUnavailable):
            await minds.open(minds.plan(new_plan(new_id())), lambda _text: None, lambda _sign: None)


def test_addresses_go_to_the_server_as_one_word() -> None:
    behind = Behind(Addresses("a", "b", "c").urls, tools=("end_call",))
    assert behind.urls == {"deepgram": "a", "elevenlabs": "b", "openai": "c"}
    assert msgspec.json.decode(msgspec.json.encode(behind), type=Behind) == behind


async def test_a_call_with_a_name_has_it_for_its_key_and_nothing_of_the_operator_s_stands_in(tmp_path: Path) -> None:
    async with SocketMinds.start(Behind({"openai": NOBODY, "deepgram:nova-2": NOBODY}), tmp_path) as minds:
        plan = minds.plan(new_plan(new_id()), "call-7")
        assert own_keys(plan, "bench") == {"openai": "call-7", "deepgram": "call-7"}
        assert set(plan.own_only) == {"openai", "deepgram"}
        assert minds.plan(new_plan(new_id())).sealed_keys == {}
