"""A browser and the call hear each other through one UDP port, and who is gone is noticed."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest
from aiortc import RTCCertificate

from media.codec.g711 import Samples
from media.frame import FRAME_SAMPLES
from media.jitter import Quality
from media.party import Party, Role
from telephony.softphone import peer, rtp
from telephony.softphone.leg import UNHEARING_REPORTS, Exchange, SoftphoneLeg
from telephony.softphone.opus import Encoder
from telephony.softphone.peer import Report
from telephony.softphone.rtcp import Heard
from telephony.softphone.udp_port import open_udp_port
from tests.telephony.softphone.browser import Browser, best, fine, likeness, on_loopback, tune

pytestmark = pytest.mark.usefixtures("on_loopback")
__all__ = ["on_loopback"]

SECONDS = 2.5


class Talk:
    """A room's part: reads the person each 20 ms and lets them hear a sound."""

    def __init__(self, leg: SoftphoneLeg, to_hear: Samples) -> None:
        self.leg = leg
        self.said: list[Samples] = []
        self._to_hear = to_hear
        self.qualities: list[Quality] = []
        self.party = Party("rep", leg, Role.REP, lambda _name, quality: self.qualities.append(quality))
        leg.party = self.party

    async def last(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        for tick in range(round(seconds * 50)):
            await asyncio.sleep(max(0.0, began + tick * 0.02 - loop.time()))
            frame = self.party.read()
            self.said.append(np.zeros(FRAME_SAMPLES, dtype=np.int16) if frame is None else frame)
            piece = self._to_hear[tick * FRAME_SAMPLES :][:FRAME_SAMPLES]
            self.party.play(piece if len(piece) == FRAME_SAMPLES else None)

    @property
    def sound(self) -> Samples:
        return np.concatenate(self.said)


@pytest.fixture
async def exchange() -> AsyncIterator[Exchange]:
    port = await open_udp_port("127.0.0.1", 0)
    yield Exchange(port, RTCCertificate.generateCertificate(), ("127.0.0.1",))
    port.close()


async def _meet(browser: Browser, exchange: Exchange, troubles: list[tuple[str, bool]]) -> SoftphoneLeg:
    leg = SoftphoneLeg(exchange, await browser.offer(), lambda code, on: troubles.append((code, on)))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(leg.connect())
        await browser.answered(leg.answer)
        await browser.connected()
    return leg


async def test_both_hear_each_other(exchange: Exchange) -> None:
    wide, narrow = tune(SECONDS, 48_000, seed=1), tune(SECONDS, 8_000, seed=2)
    async with Browser(wide) as browser:
        leg = await _meet(browser, exchange, [])
        talk = Talk(leg, narrow)
        await talk.last(SECONDS + 0.3)
        await leg.aclose()
    assert best(fine(talk.sound), wide) > 0.9
    assert best(browser.heard, fine(narrow)) > 0.9


async def test_mute_is_silence_at_once(exchange: Exchange) -> None:
    async with Browser(tune(SECONDS, 48_000)) as browser:
        leg = await _meet(browser, exchange, [])
        talk = Talk(leg, np.zeros(0, dtype=np.int16))
        await talk.last(1)
        assert np.abs(talk.sound).max() > 1_000
        leg.muted = True
        talk.said.clear()
        await talk.last(0.6)
        await leg.aclose()
    assert not talk.sound[-1_600:].any()


async def test_who_closes_is_gone_at_once(exchange: Exchange) -> None:
    async with Browser() as browser:
        leg = await _meet(browser, exchange, [])
        async with asyncio.TaskGroup() as tasks:
            staying = tasks.create_task(leg.stay())
            await browser.connection.close()
        assert staying.result() == "closed"
        await leg.aclose()


async def test_who_falls_silent_is_gone_after_a_while(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer, "REPORT_EVERY_S", 0.05)
    monkeypatch.setattr(peer, "SENDING_SILENT_S", 0.3)
    troubles: list[tuple[str, bool]] = []
    async with Browser(tune(SECONDS, 48_000)) as browser:
        leg = await _meet(browser, exchange, troubles)
        async with asyncio.TaskGroup() as tasks:
            staying = tasks.create_task(leg.stay())
            await asyncio.sleep(0.2)
            assert not staying.done()
            # The network is gone: nothing comes any more, not even a goodbye.
            monkeypatch.setattr(type(exchange.port), "datagram_received", lambda *_: None)
        assert staying.result() == "silent"
        assert troubles == [("not_heard", True)], "said before it is given up"
        await leg.aclose()


async def test_what_does_not_reach_the_browser_is_said_and_taken_back() -> None:
    told: list[tuple[str, bool]] = []
    port = await open_udp_port("127.0.0.1", 0)
    async with Browser(tune(1, 48_000)) as browser:
        exchange = Exchange(port, RTCCertificate.generateCertificate(), ("127.0.0.1",))
        leg = SoftphoneLeg(exchange, await browser.offer(), lambda code, on: told.append((code, on)))
        for highest in (1, 2, *[3] * (UNHEARING_REPORTS + 1), 4):
            leg.hear(np.zeros(FRAME_SAMPLES, dtype=np.int16))
            leg.judge(Report(arrived=50, heard=Heard(0.0, highest, 0, None)))
        for _ in range(2 * UNHEARING_REPORTS):  # nothing is sent, so nothing is missed
            leg.judge(Report(arrived=50, heard=Heard(0.0, 4, 0, None)))
    port.close()
    assert told == [("hears_nothing", True), ("hears_nothing", False)]


async def test_a_lost_packet_is_found_in_the_one_behind_it(exchange: Exchange) -> None:
    """A browser that sends everything twice loses a fifth of its packets, and nothing of its sound."""
    async with Browser(tune(1, 48_000)) as browser:
        offer = await browser.offer()
    place = offer.index("a=rtpmap:96 opus")
    red_too = "a=rtpmap:63 red/48000/2\r\na=fmtp:63 96/96\r\n"
    offer = (offer[:place] + red_too + offer[place:]).replace("SAVPF 96", "SAVPF 63 96", 1)
    leg = SoftphoneLeg(exchange, offer, lambda *_: None)
    assert "63 96" in leg.answer
    talk, sound, encoder = Talk(leg, np.zeros(0, dtype=np.int16)), tune(2, 8_000), Encoder()
    payloads = [encoder.encode(sound[at : at + 160]) for at in range(0, len(sound), 160)]
    for number, payload in enumerate(payloads):
        before = payloads[number - 1] if number else b""
        header = bytes([0x80 | 96]) + (960 << 10 | len(before)).to_bytes(3, "big") + bytes([96])
        if number % 5 != 2:
            leg.spoke(rtp.Packet(63, number, number * 960, 7, header + before + payload), number * 0.02)
        if number > 2:  # the lost ones come with those behind them
            frame = talk.party.read()
            assert frame is not None
            talk.said.append(frame)
    assert talk.party.buffer.lost == 0
    assert likeness(fine(talk.sound), fine(sound)) > 0.9


async def test_nobody_comes_and_it_is_given_up(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer, "CONNECT_TIMEOUT_S", 0.05)
    async with Browser() as browser:
        leg = SoftphoneLeg(exchange, await browser.offer(), lambda *_: None)
        with pytest.raises(peer.PeerFailed, match="no_way_to_browser"):
            await leg.connect()
        await leg.aclose()


async def test_somebody_elses_certificate_is_refused(exchange: Exchange) -> None:
    async with Browser() as browser:
        stolen = (await browser.offer()).replace("a=fingerprint:sha-256 ", "a=fingerprint:sha-256 00:")
        leg = SoftphoneLeg(exchange, stolen, lambda *_: None)
        async with asyncio.TaskGroup() as tasks:
            connecting = tasks.create_task(_refused(leg))
            await browser.answered(leg.answer)
        assert connecting.result() == "handshake_failed"
        await leg.aclose()


async def _refused(leg: SoftphoneLeg) -> str:
    with pytest.raises(peer.PeerFailed) as failed:
        await leg.connect()
    return failed.value.code
