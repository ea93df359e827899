"""A thin phone's offer is one that nodes answer; two of them hear each other."""

import asyncio
import contextlib

import pytest
from aiortc import RTCCertificate

from bench.people.bursts import EVERY_FRAMES, BurstEar, BurstMouth
from bench.people.calling_port import HOST
from bench.people.phone import PAYLOAD_TYPE, BadAnswer, Phone, calling, connect_directly, offer, read_answer
from telephony.softphone.sdp import Local, answer, parse_offer
from telephony.softphone.udp_port import open_udp_port

PRINT = ("sha-256", "AB:CD")


def test_nodes_read_its_offer_and_it_reads_their_answer() -> None:
    asked = parse_offer(offer("name", "secret" * 4, PRINT))
    assert (asked.payload_type, asked.sends, asked.receives, asked.ufrag) == (PAYLOAD_TYPE, True, True, "name")
    assert asked.fingerprints == (PRINT,)
    local = Local("ours", "password" * 3, ("sha-256", "EF:01"), ("127.0.0.1",), 4_000, 7, 8_000, 28_000)
    there = read_answer(answer(asked, local))
    assert there.address == ("127.0.0.1", 4_000)
    assert (there.name, there.password, there.fingerprint) == ("ours", "password" * 3, ("sha-256", "EF:01"))


@pytest.mark.parametrize("sdp", ["", "a=candidate:1 1 udp", "a=candidate:1 1 udp 2 h x typ host\na=fingerprint:a b"])
def test_an_answer_that_leads_nowhere_is_refused(sdp: str) -> None:
    with pytest.raises(BadAnswer, match="answer"):
        read_answer(sdp)


async def test_two_phones_hear_each_other() -> None:
    ends = [(BurstMouth(), BurstEar()) for _ in range(2)]
    port = await open_udp_port(HOST, 0)
    with contextlib.closing(port):
        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            phones = [Phone(mouth.frame, ear.hear) for mouth, ear in ends]
            calls = await calling(phones[0], RTCCertificate.generateCertificate(), tasks)
            await connect_directly(calls, phones[1], port)
            # Frames as fast as they go: the moments are made up, the sound is not.
            for number in range(2 * EVERY_FRAMES):
                for phone in phones:
                    phone.tick(number * 0.02)
                await asyncio.sleep(0)
            while any(phone.packets < 2 * EVERY_FRAMES for phone in phones):  # noqa: ASYNC110 - a count, no event
                await asyncio.sleep(0.001)
            for phone in phones:
                await phone.aclose()
            await calls.aclose()
    # The ends' own clocks say nothing here; that each burst came, and only these, does.
    assert [(len(mouth.spoken), len(ear.heard)) for mouth, ear in ends] == [(2, 2), (2, 2)]
