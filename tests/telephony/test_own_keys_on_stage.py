"""Whole dials with an organisation's own keys of speech, over real sockets: what stands in, and what does not."""

from pathlib import Path
from typing import Final

import pytest
from pydantic import SecretStr

from bench.providers.deepgram import Deepgram
from bench.providers.elevenlabs import ElevenLabs
from bench.providers.socket_server import SpeechServer
from bench.providers.speech_script import Hearing, InTurn, Saying
from events import call as events
from events.command import Reply
from events.ids import new_id
from events.plan import Providers
from events.sealed_secret import seal
from tests.telephony.stage import Stage, set_stage

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("stage")]
NUMBER: Final = "+12025550187"
OWN: Final = "the-organisation-s-own-key"
SPEECH: Final = Providers(stt="deepgram:nova-3", tts="elevenlabs:anna")


async def dial(stage: Stage, keys: dict[str, str], own_only: tuple[str, ...] = ()) -> tuple[Reply, list[events.Event]]:
    await stage.seat("silent", NUMBER)
    call_id = new_id()
    secret_key = stage.settings.secret_key.get_secret_value()
    sealed = {vendor: seal(key, secret_key, stage.org_id, vendor) for vendor, key in keys.items()}
    reply = await stage.dial(call_id, NUMBER, providers=SPEECH, sealed_keys=sealed, own_only=own_only)
    if not reply.accepted:
        return reply, []
    return reply, await stage.until_turns(call_id, 1)


async def test_own_keys_hear_and_speak_and_a_refused_one_is_told_of(redis_url: str, tmp_path: Path) -> None:
    async with (
        SpeechServer(Deepgram(), InTurn((Hearing(),)), frozenset({"ours"})) as ears,
        SpeechServer(ElevenLabs(), InTurn((Saying(),)), frozenset({OWN})) as mouths,
        set_stage(
            redis_url,
            tmp_path,
            deepgram_api_key=SecretStr("ours"),
            elevenlabs_api_key=SecretStr("ours"),
            deepgram_base_url=ears.url.replace("ws", "http", 1),
            elevenlabs_base_url=mouths.url.replace("ws", "http", 1),
        ) as stage,
    ):
        reply, found = await dial(stage, {"deepgram": "stale", "elevenlabs": OWN})
        assert reply.accepted, reply.reason
        assert [seen.key for seen in ears.seen] == ["stale", "ours"]
        assert {seen.key for seen in mouths.seen} == {OWN}
        told = [event.body for event in found if isinstance(event.body, events.KeyRefused)]
        assert told == [events.KeyRefused("deepgram")]

        blocked, _ = await dial(stage, {"deepgram": "stale", "elevenlabs": OWN}, ("deepgram",))
        assert (blocked.accepted, blocked.reason) == (False, "speech_key_refused")
        assert [seen.key for seen in ears.seen][-1] == "stale"
