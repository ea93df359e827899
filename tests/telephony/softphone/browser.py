"""A browser's part, played by aiortc's whole WebRTC stack: a microphone that plays a sound, and ears that keep it."""

import asyncio
import contextlib
from fractions import Fraction

import aioice.ice
import av
import numpy as np
import pytest
import soxr
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

from media.codec.g711 import Samples

RATE_HZ = 48_000
FRAME = 960
PIECES = 8  # that are looked for at most


class Microphone(MediaStreamTrack):
    """Plays `sound` (int16, 48 kHz, mono) from the first frame on, then silence, in real time."""

    kind = "audio"

    def __init__(self, sound: Samples) -> None:
        super().__init__()
        self._sound = sound
        self._at = 0
        self._began = 0.0

    async def recv(self) -> av.AudioFrame:
        loop = asyncio.get_running_loop()
        if not self._at:
            self._began = loop.time()
        await asyncio.sleep(max(0.0, self._began + self._at / RATE_HZ - loop.time()))
        piece = np.zeros(FRAME, dtype=np.int16)
        part = self._sound[self._at : self._at + FRAME]
        piece[: len(part)] = part
        frame = av.AudioFrame.from_ndarray(piece[np.newaxis], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, self._at, Fraction(1, RATE_HZ)
        self._at += FRAME
        return frame


class Browser:
    """One peer connection. Without a sound it has no microphone."""

    def __init__(self, sound: Samples | None = None) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._heard: list[Samples] = []
        self._listening: asyncio.Task[None] | None = None
        self._tasks: asyncio.TaskGroup
        if sound is None:
            self.connection.addTransceiver("audio", direction="recvonly")
        else:
            self.connection.addTrack(Microphone(sound))
        self.connection.on("track", self._hear)
        self._connected = asyncio.Event()
        self.connection.on("connectionstatechange", self._moved)

    async def offer(self) -> str:
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return self.connection.localDescription.sdp

    async def answered(self, sdp: str) -> None:
        await self.connection.setRemoteDescription(RTCSessionDescription(sdp, "answer"))

    async def connected(self) -> None:
        async with asyncio.timeout(10):
            await self._connected.wait()

    @property
    def heard(self) -> Samples:
        """What came, int16, 48 kHz, mono."""
        return np.concatenate(self._heard) if self._heard else np.zeros(0, dtype=np.int16)

    def _moved(self) -> None:
        if self.connection.connectionState == "connected":
            self._connected.set()

    def _hear(self, track: MediaStreamTrack) -> None:
        self._listening = self._tasks.create_task(self._keep(track))

    async def _keep(self, track: MediaStreamTrack) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                assert isinstance(frame, av.AudioFrame)
                # Interleaved stereo: its left side.
                self._heard.append(frame.to_ndarray()[0][::2])

    async def __aenter__(self) -> "Browser":
        self._group = asyncio.TaskGroup()
        self._tasks = await self._group.__aenter__()
        return self

    async def __aexit__(self, *fault: object) -> None:
        await self.connection.close()
        if self._listening is not None:
            self._listening.cancel()
        await self._group.__aexit__(None, None, None)


@pytest.fixture
def on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Browsers here have the one address that every machine has."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: ["127.0.0.1"])


def tune(seconds: float, rate_hz: int, seed: int = 1) -> Samples:
    """Return a sound in the telephone's band that is like itself at no other place: many tones that come and go."""
    moments = np.arange(round(seconds * rate_hz)) / rate_hz
    random = np.random.default_rng(seed)
    total = np.zeros(len(moments))
    for pitch_hz in random.uniform(350, 2_500, 7):
        total += np.sin(2 * np.pi * (pitch_hz * moments + random.uniform())) * (
            1 + np.sin(2 * np.pi * (random.uniform(1, 7) * moments + random.uniform()))
        )
    loud: Samples = (total * 12_000 / np.abs(total).max()).astype(np.int16)
    return loud


class Heard:
    """A sound that others are looked for in, 48 kHz: at that rate, for a delay is not in whole samples of 8 kHz."""

    def __init__(self, sound: Samples) -> None:
        self._whole = sound.astype(float)
        self._size = 1 << (2 * len(sound)).bit_length()
        self._spectrum = np.fft.rfft(self._whole, self._size)
        self._sums = np.concatenate([[0.0], np.cumsum(self._whole**2)])

    def like(self, piece: Samples) -> float:
        """Return the correlation of a piece with the place that is most like it."""
        if not 0 < len(piece) <= len(self._whole):
            return 0.0
        sought = piece.astype(float)
        products = np.fft.irfft(self._spectrum * np.conj(np.fft.rfft(sought, self._size)), self._size)
        places = len(self._whole) - len(piece) + 1
        energy = self._sums[len(piece) :] - self._sums[:places]
        return float(np.max(products[:places] / np.sqrt(np.maximum(energy, 1.0) * (sought**2).sum())))


def likeness(heard: Samples, sound: Samples, from_s: float = 0.5) -> float:
    """Return how like a second of `sound` is to the place of `heard` where it is most so; both 48 kHz."""
    return Heard(heard).like(sound[round(from_s * RATE_HZ) :][:RATE_HZ])


def best(heard: Samples, sound: Samples) -> float:
    """Return how like one of some half seconds of `sound` is that came through best; both 48 kHz.

    On a loaded machine all ends of such a test stand still at times, and what is late is left out.
    """
    found, half = Heard(heard), RATE_HZ // 2
    step = max(half, len(sound) // PIECES)
    return max(found.like(sound[at : at + half]) for at in range(half // 2, len(sound) - half, step))


def fine(sound: Samples) -> Samples:
    """Return a sound of 8 kHz at 48 kHz."""
    wide: Samples = np.asarray(soxr.resample(sound, 8_000, RATE_HZ), dtype=np.int16)
    return wide
