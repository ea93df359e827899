"""Who hears whom: prospect, agent, rep and supervisor on the sound itself, in all that people can do.

The prospect's line is µ-law and the people's sound is Opus, as in the product; each says something else, all the time.
What an ear gets is looked for by correlation. What is to be heard is read from the guide's table.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from functools import cache
from pathlib import Path
from typing import Final, cast

import numpy as np
import pytest
from aiortc import RTCCertificate

import telephony
from agent.stt.port import Feeding, Recognizer
from agent.tts.port import Speech
from bench.fakes import spread_words
from bench.people.phone import offer
from events.ids import new_id
from media.codec import g711
from media.codec.g711 import Samples
from media.frame import FRAME_SAMPLES, RATE_HZ
from media.hold_music import composed
from media.party import Role
from media.recording.blocks import AGENT, PERSON, PROSPECT
from media.recording.recorder import Recorder
from media.recording.spool import Spool, new_meta
from telephony.call.person_acts import ChangeRole, Done, HandBack, Hold, Join, Person, TakeOver
from telephony.people.figures import PeopleFigures
from telephony.softphone import rtp
from telephony.softphone.leg import Exchange, SoftphoneLeg, fingerprint_of
from telephony.softphone.opus import Decoder, Encoder
from telephony.softphone.udp_port import UdpPort
from tests.agent.aside_stage import SaidRecognizer, Talk, talking
from tests.telephony.call.people_stage import INES, MARIA, Caller
from tests.telephony.softphone.browser import tune
from tests.virtual_clock import run_virtual

GUIDE: Final = Path(telephony.__file__).parents[1] / "docs" / "guides" / "people-on-calls.md"
SECONDS: Final = 8  # of each sound; no scene lasts as long
SETTLE_MS: Final = 500  # what is on its way when somebody's part changes is heard out
WINDOW_MS: Final = 600
# One of three sounds, twice through Opus, is still a third of what is heard; what is not there is below a tenth.
THERE: Final = 0.25
NOT_THERE: Final = 0.15

PROSPECTS, AGENTS, REPS, SUPERVISORS = (tune(SECONDS, RATE_HZ, seed) for seed in (11, 12, 13, 14))
SOUNDS: Final = {
    "prospect": PROSPECTS,
    "agent": AGENTS,
    "rep": REPS,
    "supervisor": SUPERVISORS,
    "music": g711.decode(composed()),
}
EARS: Final = ("prospect", "agent", "rep", "supervisor", "taken down", "channel 1", "channel 2", "channel 3")

Heard = dict[str, set[str]]


class NoPort:
    """Nothing goes out: what a leg would send is heard before."""

    number = 1
    figures = PeopleFigures()


class Headset:
    """A person's end: their microphone comes in by the product's leg, and what they hear goes through Opus too."""

    rate_hz = RATE_HZ

    def __init__(self, says: Samples) -> None:
        certificate = RTCCertificate.generateCertificate()
        exchange = Exchange(cast(UdpPort, NoPort()), certificate, ("127.0.0.1",))
        self.leg = SoftphoneLeg(exchange, offer("name", "p" * 24, fingerprint_of(certificate)), lambda *_: None)
        self._says = says
        self._mouth, self._there, self._back = Encoder(), Encoder(), Decoder()
        self._number = 0
        self._heard: list[Samples] = []

    def hear(self, pcm: Samples) -> None:
        self._heard.append(self._back.decode(self._there.encode(pcm)))

    def speak(self) -> None:
        number, self._number = self._number, self._number + 1
        frame = self._says[number * FRAME_SAMPLES :][:FRAME_SAMPLES]
        packet = rtp.Packet(111, number, number * 960, 1, self._mouth.encode(frame))
        self.leg.spoke(packet, asyncio.get_running_loop().time())

    @property
    def heard(self) -> Samples:
        return np.concatenate(self._heard)


class Listening(SaidRecognizer):
    """A recogniser that is given everything, and keeps it."""

    feeding = Feeding(continuous=True)

    def __init__(self) -> None:
        super().__init__()
        self._fed: list[bytes] = []

    def feed(self, audio: bytes) -> None:
        self._fed.append(audio)

    def forget(self) -> None:
        self._fed.clear()

    @property
    def heard(self) -> Samples:
        return np.frombuffer(b"".join(self._fed), dtype=np.int16)


class Voice:
    """Says the agent's sound, whatever the text."""

    async def speak(self, text: str) -> AsyncGenerator[Speech, None]:
        yield Speech(AGENTS.tobytes(), RATE_HZ, spread_words(text, SECONDS * 1_000))


class Scene:
    """A call of all four; the agent has begun to speak."""

    def __init__(self, call: Caller, tape: Recorder, ear: Listening, ears: list[Listening]) -> None:
        self.call = call
        self._tape = tape
        self._ear = ear
        self._ears = ears
        self._frames = 0
        self.headsets = {MARIA: Headset(REPS), INES: Headset(SUPERVISORS)}
        call.talk.each_frame = self._speak
        call.talk.caller_sounds = self._caller_sounds
        for person, headset in self.headsets.items():
            done = call.do(person, Join(headset))
            assert isinstance(done, Done)
            headset.leg.party = done.party

    def do(self, person: Person, act: ChangeRole | TakeOver | HandBack | Hold) -> None:
        assert isinstance(self.call.do(person, act), Done)

    def mute(self, person: Person) -> None:
        self.headsets[person].leg.muted = True

    def _speak(self) -> None:
        for headset in self.headsets.values():
            headset.speak()

    def _caller_sounds(self) -> bytes:
        self._frames += 1
        return g711.encode(PROSPECTS[(self._frames - 1) * FRAME_SAMPLES :][:FRAME_SAMPLES])

    def found(self) -> Heard:
        """Return whom each ear has heard last."""
        tape = self._channels()
        taken_down = [_last(one.heard) for one in self._ears if len(one.heard)]
        heard = {
            "prospect": [_last(self.call.heard(WINDOW_MS))],
            "agent": [_last(self._ear.heard)],
            "rep": [_last(self.headsets[MARIA].heard)],
            "supervisor": [_last(self.headsets[INES].heard)],
            "taken down": taken_down,
            **{f"channel {number}": [_last(tape[of])] for number, of in enumerate((PROSPECT, AGENT, PERSON), 1)},
        }
        return {ear: {name for sound in sounds for name in _in(sound)} for ear, sounds in heard.items()}

    def _channels(self) -> dict[int, Samples]:
        """Return the recording's channels up to what is recorded of each."""
        tracks = {PROSPECT: bytearray(), AGENT: bytearray(), PERSON: bytearray()}
        for channel, at_ms, ulaw in self._tape.take():
            if channel in tracks:
                track = tracks[channel]
                track += g711.ULAW_SILENCE * (at_ms * 8 + len(ulaw) - len(track))
                track[at_ms * 8 : at_ms * 8 + len(ulaw)] = ulaw
        # What we said is recorded when it has been played: the last of it is on its way.
        until = len(tracks[PROSPECT]) - 200 * 8
        return {
            channel: g711.decode(bytes(track[:until]).ljust(until, g711.ULAW_SILENCE))
            for channel, track in tracks.items()
        }


def _last(sound: Samples) -> Samples:
    return sound[-WINDOW_MS * 8 :]


@cache
def _known(name: str) -> tuple[int, np.ndarray, np.ndarray]:
    whole = SOUNDS[name].astype(float)
    size = 1 << len(whole).bit_length()
    return size, np.fft.rfft(whole, size), np.concatenate([[0.0], np.cumsum(whole**2)])


def _like(piece: Samples, name: str) -> float:
    """Return the correlation of a piece with the place of a sound that is most like it."""
    sought = piece.astype(float)
    size, spectrum, sums = _known(name)
    places = len(sums) - len(piece)
    products = np.fft.irfft(spectrum * np.conj(np.fft.rfft(sought, size)), size)[:places]
    energy = sums[len(piece) :][:places] - sums[:places]
    return float(np.max(np.abs(products) / np.sqrt(np.maximum(energy, 1.0) * max(1.0, (sought**2).sum()))))


def _in(piece: Samples) -> set[str]:
    """Return which of the sounds are in a piece."""
    if not np.any(np.abs(piece.astype(int)) > 100):
        return set()
    found = {name: _like(piece, name) for name in SOUNDS}
    doubtful = {name: round(like, 2) for name, like in found.items() if NOT_THERE < like < THERE}
    assert not doubtful, f"neither there nor not there: {doubtful}"
    return {name for name, like in found.items() if like >= THERE}


def _listen(scene: Scene) -> None: ...


def _beside(scene: Scene) -> None:
    scene.do(MARIA, ChangeRole(Role.REP))


def _whisper_to_the_agent(scene: Scene) -> None:
    scene.do(INES, ChangeRole(Role.WHISPERER))


def _whisper_beside(scene: Scene) -> None:
    _beside(scene)
    _whisper_to_the_agent(scene)


def _barge(scene: Scene) -> None:
    scene.do(INES, ChangeRole(Role.BARGER))


def _hold(scene: Scene) -> None:
    scene.do(MARIA, Hold(True))


def _take_over(scene: Scene) -> None:
    scene.do(MARIA, TakeOver())


def _whisper_to_the_rep(scene: Scene) -> None:
    _take_over(scene)
    _whisper_to_the_agent(scene)


def _barge_into_the_rep(scene: Scene) -> None:
    _take_over(scene)
    _barge(scene)


def _mute(scene: Scene) -> None:
    _take_over(scene)
    scene.mute(MARIA)


def _take_over_and_hold(scene: Scene) -> None:
    _whisper_to_the_rep(scene)
    _hold(scene)


def _hand_back(scene: Scene) -> None:
    _take_over(scene)
    scene.do(MARIA, HandBack())


# By the guide's names.
SCENES: Final[dict[str, Callable[[Scene], None]]] = {
    "both listen": _listen,
    "the rep talks beside the agent": _beside,
    "and the supervisor whispers": _whisper_beside,
    "the supervisor whispers to the agent": _whisper_to_the_agent,
    "the supervisor barges in": _barge,
    "the prospect is on hold": _hold,
    "the rep has taken over": _take_over,
    "and is muted": _mute,
    "and the supervisor whispers to them": _whisper_to_the_rep,
    "and the supervisor barges in": _barge_into_the_rep,
    "and whispers while the prospect is on hold": _take_over_and_hold,
    "the rep has handed back": _hand_back,
}


def table() -> dict[str, Heard]:
    """Return the guide's: by row, who hears whom."""
    text = GUIDE.read_text()
    lines = text[text.index("### Who hears whom") :].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    end = next((at for at, cells in enumerate(rows) if len(cells) != len(EARS) + 1), len(rows))
    head, _, *body = rows[:end]
    assert [name.replace("the ", "") for name in head[1:]] == list(EARS)
    return {
        name: {
            ear: {sound.removeprefix("the ") for sound in cell.split(", ") if sound}
            for ear, cell in zip(EARS, cells, strict=True)
        }
        for name, *cells in body
    }


def test_the_guide_has_a_row_for_each_scene() -> None:
    assert list(table()) == list(SCENES)


@pytest.mark.parametrize("name", SCENES)
def test_each_ear_hears_who_it_may_and_nobody_else(name: str) -> None:
    async def main() -> Heard:
        tape = Recorder(Spool(Path("nowhere"), new_meta(new_id(), new_id())), muted=False)
        ear, ears = Listening(), list[Listening]()

        async def open_ear() -> Recognizer:
            ears.append(Listening())
            return ears[-1]

        async with talking(lambda: Talk(ear, Voice(), tape)) as talk, asyncio.TaskGroup() as tasks:
            scene = Scene(Caller(talk, tasks, open_ear), tape, ear, ears)
            await talk.until_speaking()
            await talk.live(200)
            SCENES[name](scene)
            await talk.live(SETTLE_MS)
            for one in (ear, *ears):
                one.forget()
            await talk.live(WINDOW_MS)
            found = scene.found()
            for seated in scene.call.people.seated:
                if seated.listening is not None:
                    seated.listening.cancel()
        return found

    assert run_virtual(main()) == table()[name]
