"""Sockets with nothing behind them: answers leave, and the cost is measured."""

import json
import os
import sys

import pytest

from bench.load_run import Cores, Plan, run_calls
from bench.server_process import running, sockets_command
from bench.socket_floor import FRAMES_A_PACKET, Answering
from bench.utterance import SILENCE, speak_two_seconds
from telephony.stream_protocol import Taker

START = b"""{"event":"start","sequenceNumber":"1","start":{"accountSid":"AC0","streamSid":"MZ7","callSid":"CA0",
    "tracks":["inbound"],"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1},
    "customParameters":{}},"streamSid":"MZ7"}"""
MEDIA = b"""{"event":"media","sequenceNumber":"2","media":{"track":"inbound","chunk":"1","timestamp":"20",
    "payload":"%b"},"streamSid":"MZ7"}"""
STOP = b"""{"event":"stop","sequenceNumber":"9","stop":{"accountSid":"AC0","callSid":"CA0"},"streamSid":"MZ7"}"""


class Wire:
    """Implements `Stream`: keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.blocked = False

    def take(self, taker: Taker) -> None: ...

    def say(self, text: str) -> None:
        self.said.append(text)


def test_every_fifth_frame_is_answered_with_as_much_silence() -> None:
    wire = Wire()
    answering = Answering(wire)
    answering.received(START)
    for _ in range(2 * FRAMES_A_PACKET + 1):
        answering.received(MEDIA % SILENCE)
    assert [json.loads(text)["streamSid"] for text in wire.said] == ["MZ7", "MZ7"]
    wire.blocked = True
    for _ in range(FRAMES_A_PACKET):
        answering.received(MEDIA % SILENCE)
    assert len(wire.said) == 2, "a peer that takes nothing gets nothing"
    assert not answering.over.is_set()
    answering.received(STOP)
    assert answering.over.is_set()


@pytest.mark.timeout(60)
async def test_the_sockets_alone_have_a_cost() -> None:
    cores = Cores(min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0)))
    assert sockets_command(1)[0] == sys.executable
    async with running(sockets_command(cores.server), ours=False) as server:
        run = await run_calls(server, Plan(2, 2.0, cores, settle_s=0.0), speak_two_seconds())
    assert run.core_per_call > 0
    assert run.lost_calls == 0
