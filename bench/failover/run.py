"""`salesos bench failover`: kills each provider amid whole conversations, over real sockets, and hears what is left.

Conversation, room, voice detector, gateway, recognisers and voices are the product's, with the official SDKs; the
vendors' servers stand on loopback in this process and know a call by its key, which is sealed in its plan. What is said
is coded speech, so the words that were played can be read from the sound itself.
"""

import asyncio
import contextlib
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
import structlog

import config
from agent import report
from agent.conversation import Conversation
from agent.llm.playbook_file import read_document
from agent.llm.registry import Models
from agent.llm.usage import ModelCall
from agent.minds import BadPlan, MindMaker, MindsUnavailable
from agent.speech_process import SpeechProcess
from agent.speech_vendors import SpeechVendors
from agent.tts.phrase_cache import PhraseCache
from bench.failover import case as cases
from bench.failover.case import ANSWERS, MODELS, RECOGNISERS, VOICES, Case
from bench.failover.judging import DEAD_AIR_MAX_S, CallFound, judge, words_heard
from bench.failover.prospect import Prospect
from bench.load_report import Spread, spread
from bench.providers import chat_script, speech_script
from bench.providers.anthropic_messages import AnthropicMessages
from bench.providers.chat_dialect import Dialect
from bench.providers.chat_server import ChatServer
from bench.providers.deepgram import Deepgram
from bench.providers.elevenlabs import ElevenLabs
from bench.providers.gemini_generate import GeminiGenerate
from bench.providers.openai_chat import OpenAIChat
from bench.providers.socket_server import SpeechServer
from bench.utterance import speak_two_seconds
from events import call as events
from events.ids import new_id
from events.plan import Agent, CallPlan, Providers
from events.plan import Prospect as Lead
from events.sealed_secret import seal
from media.activity.silero import Silero
from media.clock import Clock
from media.frame import FRAME_MS, FRAME_SAMPLES
from media.room import Room

log = structlog.get_logger()

CALL_TIMEOUT_S: Final = 90.0
_SECRET: Final = "of the bench, which seals keys that open nothing"  # noqa: S105
_PLAYBOOK: Final = Path(config.__file__).parent / "playbooks" / "energy_meeting.yaml"
_FRAME_S: Final = FRAME_MS / 1000
_DIALECTS: Final[tuple[Callable[[], Dialect], ...]] = (OpenAIChat, AnthropicMessages, GeminiGenerate)
_VENDORS: Final = ("openai", "anthropic", "gemini", "deepgram", "elevenlabs")


class FailoverReport(msgspec.Struct, frozen=True):
    calls: int
    seed: int
    went_on: int
    by_fault: dict[str, tuple[int, int]]  # "victim fault" to calls, and those without a fault
    took_over: int  # calls in which another provider was asked
    dead_air_ms: Spread  # the longest of each call, from one's last sound to the other's first
    dead_air: int  # calls in which it was longer than a caller accepts; a stalled machine shows here too
    requests: dict[str, int]  # to models, by what became of them
    tokens: dict[str, int]
    faults: tuple[str, ...]
    found: tuple[CallFound, ...]

    @property
    def good(self) -> bool:
        return not self.faults


@dataclass(slots=True)
class _Witness:
    """Implements `agent.ports.Witness`."""

    told: list[events.Body] = field(default_factory=list)

    def emit(self, body: events.Body) -> None:
        self.told.append(body)

    def on_floor(self, *, speaking: bool) -> None: ...

    def on_disclosed(self, at_ms: int) -> None: ...

    def on_answerer(self, answered_by: events.AnsweredBy, detail: str) -> None: ...


class Bench:
    def __init__(self, seed: int) -> None:
        self.known = cases.vocabulary()
        self.used: list[events.ModelUsed] = []
        self._seed = seed
        self._cases: dict[str, Case] = {}
        self._minds: MindMaker
        self._silero: Silero
        self._clock: Clock
        self._utterance: bytes

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncGenerator[None]:
        """Run the vendors and what all calls share while the context is open."""
        self._utterance = _whole_frames((await asyncio.to_thread(speak_two_seconds)).ulaw)
        async with contextlib.AsyncExitStack() as stack:
            urls = {}
            for rank, (vendor, dialect) in enumerate(zip(_VENDORS[:3], _DIALECTS, strict=True)):
                server = await stack.enter_async_context(ChatServer(dialect(), self._thinking(rank)))
                urls[vendor] = server.base_url
            hears = await stack.enter_async_context(SpeechServer(Deepgram(), self._hearing))
            speaks = await stack.enter_async_context(SpeechServer(ElevenLabs(), self._speaking))
            models = await stack.enter_async_context(Models({}, base_urls=urls, on_call=lambda _: None))
            ears = SpeechProcess()  # never started: no call asks for the embedded engines
            speech_urls = {"deepgram": hears.url, "elevenlabs": speaks.url}
            phrases = PhraseCache(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="salesos-phrases-"))))
            speech = await stack.enter_async_context(SpeechVendors(ears, ears, {}, speech_urls, phrases=phrases))
            self._minds = MindMaker(ears, ears, speech, models, _SECRET)
            self._silero, self._clock = Silero(), Clock()
            tasks = await stack.enter_async_context(asyncio.TaskGroup())
            ticking = tasks.create_task(self._clock.run(), name="clock")
            yield
            ticking.cancel()

    async def call(self, number: int) -> CallFound:
        """Hold the call of that number."""
        case = cases.draw(number, self._seed)
        self._cases[case.key] = case
        witness = _Witness()
        slot: list[Conversation] = []
        try:
            minds = await self._minds.make(
                _plan(case), lambda text: slot[0].on_partial(text) if slot else None, self._note(witness)
            )
        except (BadPlan, MindsUnavailable) as error:
            return judge(_found(case, f"no minds: {error}", (), witness, 0.0))
        conversation = Conversation(minds, witness)
        slot.append(conversation)
        loop = asyncio.get_running_loop()
        room = Room(self._silero, None, conversation, lambda: loop.time() * 1000, self._clock)
        conversation.attach(room)
        last_words = [answer.split()[-1] for answer in ANSWERS]
        prospect = Prospect(self._utterance, last_words, self.known, loop.time, room.marked)
        room.join(prospect)
        outcome = "not over in time"
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S), asyncio.TaskGroup() as tasks:
                speaking = tasks.create_task(_live(prospect, room), name="prospect")
                talking = tasks.create_task(conversation.run(), name="conversation")
                await asyncio.wait([speaking, talking], return_when=asyncio.FIRST_COMPLETED)
                if talking.done():
                    result = talking.result()
                    outcome = f"{result.outcome.value} {result.reason}".strip()
                else:
                    outcome = "the prospect waited in vain"
                speaking.cancel()
                talking.cancel()
        except TimeoutError:
            pass
        conversation.close()
        room.leave()
        await minds.aclose()
        heard = tuple(words_heard(self.known.understand(bytes(prospect.sound))))
        return judge(_found(case, outcome, heard, witness, prospect.dead_air_s))

    def _note(self, witness: _Witness) -> Callable[[ModelCall], None]:
        def note(call: ModelCall) -> None:
            used = report.model_used(call)
            witness.emit(used)
            self.used.append(used)

        return note

    def _thinking(self, rank: int) -> chat_script.Script:
        return lambda seen: cases.model_reaction(self._cases[seen.key], rank, seen.body)

    def _hearing(self, seen: speech_script.Seen) -> speech_script.Reaction:
        return cases.recogniser_reaction(self._cases[seen.key], seen.query.get("model", ""))

    def _speaking(self, seen: speech_script.Seen) -> speech_script.Reaction:
        return cases.voice_reaction(self._cases[seen.key], seen.path, self.known)


async def measure(calls: int, at_once: int, seed: int, tell: Callable[[CallFound], None]) -> FailoverReport:
    """Hold so many calls; `tell` hears of each when it is over."""
    bench, found = Bench(seed), []
    numbers = iter(range(calls))

    async def slot(after_s: float) -> None:
        await asyncio.sleep(after_s)
        for number in numbers:
            over = await bench.call(number)
            found.append(over)
            tell(over)

    async with bench.open(), asyncio.TaskGroup() as slots:
        for index in range(min(at_once, calls)):
            slots.create_task(slot(index * 0.35), name="bench.slot")
    return _report(sorted(found, key=lambda over: over.number), bench.used, seed)


def _report(found: Sequence[CallFound], used: Sequence[events.ModelUsed], seed: int) -> FailoverReport:
    kinds = sorted({f"{over.victim} {over.fault}" for over in found})
    of_kind = {kind: [over for over in found if f"{over.victim} {over.fault}" == kind] for kind in kinds}
    tokens: Counter[str] = Counter()
    for one in used:
        tokens[one.fate] += one.prompt_tokens + one.completion_tokens
    return FailoverReport(
        calls=len(found),
        seed=seed,
        went_on=sum(over.outcome == "goal_reached" for over in found),
        by_fault={kind: (len(mine), sum(not over.faults for over in mine)) for kind, mine in of_kind.items()},
        took_over=sum(over.took_over for over in found),
        dead_air_ms=spread([over.dead_air_s * 1000 for over in found]),
        dead_air=sum(over.dead_air_s > DEAD_AIR_MAX_S for over in found),
        requests=dict(Counter(one.fate for one in used)),
        tokens=dict(tokens),
        faults=tuple(
            f"call {over.number} ({over.victim} {over.fault}): {fault}" for over in found for fault in over.faults
        ),
        found=tuple(found),
    )


def _found(case: Case, outcome: str, heard: tuple[str, ...], witness: _Witness, dead_air_s: float) -> CallFound:
    turns = [body for body in witness.told if isinstance(body, events.TurnFinished)]
    return CallFound(
        case.number,
        case.victim,
        case.fault,
        outcome,
        heard,
        tuple(turn.heard_text for turn in turns if turn.speaker is events.Speaker.AGENT),
        tuple(turn.text for turn in turns if turn.speaker is events.Speaker.CALLER),
        round(dead_air_s, 3),
        took_over=any(isinstance(body, events.ModelUsed) and body.rank for body in witness.told),
    )


def _plan(case: Case) -> CallPlan:
    org_id = new_id()
    return CallPlan(
        org_id=org_id,
        call_id=new_id(),
        org_name="Bench",
        agent=Agent(new_id(), "Alex"),
        prospect=Lead(new_id()),
        from_number="+12025550100",
        playbook=read_document(_PLAYBOOK),
        providers=Providers(
            RECOGNISERS[0], VOICES[0], MODELS[0], MODELS[1:], stt_fallbacks=RECOGNISERS[1:], tts_fallbacks=VOICES[1:]
        ),
        sealed_keys={vendor: seal(case.key, _SECRET, org_id, vendor) for vendor in _VENDORS},
        tools=("end_call",),
    )


async def _live(prospect: Prospect, room: Room) -> None:
    """Send a frame every 20 ms until the prospect loses patience."""
    loop = asyncio.get_running_loop()
    due_s = loop.time()
    while not prospect.lost_patience:
        room.heard(*prospect.tick())
        due_s += _FRAME_S
        await asyncio.sleep(max(0.0, due_s - loop.time()))


def _whole_frames(ulaw: bytes) -> bytes:
    return ulaw[: len(ulaw) // FRAME_SAMPLES * FRAME_SAMPLES]
