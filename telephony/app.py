"""The voice process: wires everything and serves it. One event loop, no database connection at all.

Reads settings once; everything below gets values as arguments.
"""

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx
import redis.asyncio as redis
import structlog
import uvloop
from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST
from redis.exceptions import RedisError

from agent.greeting_files import greeting_words
from agent.llm.registry import Models
from agent.llm.usage import Price
from agent.minds import MindMaker, SpeechKeys
from agent.pipecat_bridge.services import BadServices, read_services
from agent.stt.whisper_folder import BadModelFolder
from config.logs import die
from config.model_prices import BadModelPrices, read_model_prices
from config.settings import LOOPBACK_HOSTS, BadSettings, Settings
from events.sealed_audio import MasterKey
from media.activity.network import ModelMissing
from media.activity.silero import Silero
from media.clock import Clock
from media.hold_music import BadMusic, composed, read_loop
from media.load import Gauge, Shedding
from media.load_sampler import LoadSampler
from media.recording.store import StoreUnavailable, open_store
from telephony.admission import Admission
from telephony.call.archive import Archive, Journaled
from telephony.call.consult_leg import ConsultLeg
from telephony.call.services import Services
from telephony.call.session import CallSession
from telephony.call_maker import CallMaker
from telephony.calls import Calls
from telephony.dial import CallbackUrls, Dialer
from telephony.drain import drain
from telephony.figures import Figures
from telephony.interpreter import settle
from telephony.leg_lines import LegLines
from telephony.metrics import Sources, VoiceCollector, exposition, look_at_spool
from telephony.model_switch import ModelSwitch
from telephony.node import Node
from telephony.outbox import Outbox
from telephony.people.figures import PeopleFigures
from telephony.people.opening import opened_door
from telephony.people.presence import Presences
from telephony.people.socket import Door, people_routes
from telephony.people.standing import keep_asking
from telephony.queues.hall import Hall, people_in
from telephony.reception import Reception
from telephony.recovery import Recovery
from telephony.supervisor.live import Live
from telephony.supervisor.organisations import Organisations
from telephony.tool_desk import LegDesk, desks_of
from telephony.transfer import Transfers
from telephony.twilio.inbound_webhooks import inbound_routes
from telephony.twilio.rest import TwilioCarrier
from telephony.twilio.signature import SignatureCheck
from telephony.twilio.webhooks import webhook_routes
from telephony.web_server import stream_server

log = structlog.get_logger()

FLUSH_S: Final = 5.0
READY_TIMEOUT_S: Final = 3.0


class VoiceProcess:
    """All parts of one voice node, and their lives."""

    def __init__(self, settings: Settings, stopping: asyncio.Event, hurry: asyncio.Event) -> None:
        self._settings = settings
        self._stopping = stopping
        self._hurry = hurry
        folder = settings.data_dir / "voice" / settings.node
        self._journal_folder = folder / "journal"
        self._spool_folder = folder / "spool"
        self._redis = redis.Redis.from_url(settings.need("redis_url"), socket_connect_timeout=2)
        self._urls = CallbackUrls(settings.public_address, settings.node)
        self._signatures = SignatureCheck(
            settings.auth_token, settings.public_address, required=settings.check_signatures
        )
        self._calls: Calls | None = None
        self._minds: MindMaker | None = None
        self._metrics: VoiceCollector | None = None
        self._door: Door | None = None  # for people
        self._reception: Reception | None = None  # for calls that come in

    def web(self) -> FastAPI:
        app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
        app.include_router(
            webhook_routes(
                self._settings.node,
                self._signatures,
                self._find,
                self._find_leg,
                self._urls,
            )
        )
        app.include_router(
            inbound_routes(self._settings.node, self._signatures, lambda: self._reception, self._urls.stream)
        )

        app.include_router(people_routes(self._settings.node, lambda: self._door))

        @app.get("/health/live")
        async def live() -> dict[str, str]:
            return {"status": "alive"}

        @app.get("/health/ready")
        async def ready(response: Response) -> dict[str, Any]:
            checks = await self._checks()
            healthy = all(checks.values())
            response.status_code = 200 if healthy else 503
            return {"status": "ready" if healthy else "not ready", "checks": checks}

        @app.get("/metrics")
        async def metrics() -> Response:
            if self._metrics is None:
                return Response(status_code=503)  # starting
            self._metrics.spooled = await asyncio.to_thread(look_at_spool, self._spool_folder)
            return Response(exposition(self._metrics), media_type=CONTENT_TYPE_LATEST)

        return app

    def _find(self, call_id: UUID) -> CallSession | None:
        return self._calls.get(call_id) if self._calls is not None else None

    def _people_in_calls(self) -> Iterator[tuple[tuple[UUID, UUID], UUID]]:
        return people_in(self._calls.live() if self._calls is not None else ())

    def _find_leg(self, call_id: UUID, leg_id: UUID) -> ConsultLeg | None:
        call = self._find(call_id)
        return call.legs.get(leg_id) if call is not None else None

    def _far_lines(self, carrier: TwilioCarrier, crm: httpx.AsyncClient, permit_key: str) -> tuple[Transfers, LegLines]:
        """Return the two ways to further telephones."""
        transfers = Transfers(carrier, self._redis, permit_key, self._urls.transferred)
        return transfers, LegLines(carrier, LegDesk(crm), self._redis, permit_key, self._urls.leg)

    async def _checks(self) -> dict[str, bool]:
        try:
            async with asyncio.timeout(READY_TIMEOUT_S):
                redis_up = bool(await self._redis.ping())
        except (RedisError, OSError, TimeoutError):
            redis_up = False
        return {
            "redis": redis_up,
            "speech": self._minds is not None and self._minds.ready,
            "spool": self._spool_folder.is_dir(),
            "accepting": self._calls is not None and not self._calls.draining,
        }

    async def run(self) -> None:
        """Live until told to stop, then drain and end."""
        settings = self._settings
        for folder in (self._journal_folder, self._spool_folder):
            await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self._redis.aclose)
            crm = await stack.enter_async_context(_crm_client(settings))
            carrier = TwilioCarrier(settings.account_sid, settings.auth_token, settings.carrier_address)
            stack.push_async_callback(carrier.aclose)
            switch = ModelSwitch(self._redis)
            await switch.look()  # before the first call
            models = await stack.enter_async_context(_models(settings, switch))
            permit_key = settings.secret_key.get_secret_value()
            making = MindMaker.start(
                models,
                permit_key,
                _speech_keys(settings),
                smart_turn=settings.smart_turn,
                speculate=settings.speculate,
            )
            minds = await stack.enter_async_context(making)
            silero, clock = Silero(), Clock()
            outbox = Outbox(self._journal_folder, self._redis)
            archive = open_archive(settings, self._spool_folder, outbox.journaled)
            async with asyncio.TaskGroup() as calls_group, _background() as start:
                for part, name in ((clock, "clock"), (outbox, "outbox"), (archive, "archive"), (switch, "models")):
                    start(part.run(), name)
                figures, gauge = Figures(), Gauge()
                hall = Hall(
                    settings.node, settings.people_address, permit_key, self._redis, self._find, self._people_in_calls
                )
                start(hall.run(), "hall")
                door = await stack.enter_async_context(
                    opened_door(settings, self._redis, self._find, figures.people, hall)
                )
                calls = Calls(calls_group, settings.max_calls, partial(_call_over, figures, door.presences))
                music = await asyncio.to_thread(_hold_music, settings.hold_music)
                far = self._far_lines(carrier, crm, permit_key)
                live = _live(settings, self._redis, figures.people, start)
                services = Services(
                    carrier, silero, clock, outbox, archive, desks_of(crm), *far, hall, figures, music, live=live
                )
                admission = Admission(calls, gauge, outbox, by_load=settings.admit_by_load)
                maker = CallMaker(calls, services, minds)
                dialer = Dialer(calls, admission, maker, self._redis, crm, permit_key, self._urls)
                self._reception = Reception(settings.node, carrier.name, calls, admission, maker, crm)
                node = Node(settings.node, _kind(settings), calls, dialer, self._redis, settings.people_address)
                start(keep_asking(door.presences, crm, figures.people, hall), "people.standing")
                self._calls, self._minds, self._door = calls, minds, door
                sources = Sources(calls, admission, gauge, clock, silero, outbox, archive, figures, models)
                self._metrics = VoiceCollector(sources)
                recovery = Recovery(
                    self._journal_folder, outbox, archive, carrier, lambda call_id: calls.get(call_id) is not None
                )
                start(recovery.run(), "recovery")
                start(_sampler(gauge, clock, silero, calls).run(), "load")
                announcing = start(node.announce(), "node.announce")
                obeying = start(node.obey(), "node.obey")
                settle()
                log.info("voice.ready", node=settings.node)
                await self._stopping.wait()
                # Announced as draining and obeyed until the last call is over: people may still hang up.
                await drain(calls, settings.drain_s, self._hurry)
                obeying.cancel()
                announcing.cancel()
                await node.withdraw()
                if not await outbox.drain(FLUSH_S):
                    log.warning("voice.outbox_not_drained", waiting=outbox.waiting)


def _sampler(gauge: Gauge, clock: Clock, silero: Silero, calls: Calls) -> LoadSampler:
    return LoadSampler(
        gauge,
        clock,
        silero,
        lambda: (calls.with_audio, calls.underruns),
        lambda shedding: calls.shed_taps(shedding >= Shedding.TAPS),
    )


def _kind(settings: Settings) -> str:
    """Return which carrier the node is at, as it announces it."""
    return "box" if settings.uses_box_carrier else "twilio"


def _speech_keys(settings: Settings) -> SpeechKeys:
    """The operator's keys and services for speech, and the addresses of vendors. Raises BadServices."""
    keys = {"deepgram": settings.deepgram_api_key, "elevenlabs": settings.elevenlabs_api_key}
    whisper = Path(settings.whisper_model) if settings.whisper_model else None
    phrases = settings.data_dir / "voice" / settings.node / "phrases"
    services = read_services(settings.pipecat_services.get_secret_value())
    given = {vendor: key.get_secret_value() for vendor, key in keys.items() if key}
    return SpeechKeys(given, settings.speech_base_urls, whisper, phrases, services)


def open_archive(settings: Settings, spool_folder: Path, journaled: Journaled) -> Archive:
    """Raises StoreUnavailable: the store's address means nothing."""
    secret = settings.recording_key.get_secret_value()
    return Archive(
        open_store(settings.store_address),
        settings.store_address,
        spool_folder,
        node=settings.node,
        recording_format=settings.recording_format,
        master=MasterKey(secret) if secret else None,
        journaled=journaled,
    )


@contextlib.asynccontextmanager
async def _background() -> AsyncGenerator[Callable[[Coroutine[Any, Any, None], str], asyncio.Task[None]]]:
    """Give a way to start the process's own tasks; they end when the body ends."""
    own: list[asyncio.Task[None]] = []

    def start(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        own.append(tasks.create_task(work, name=name))
        return own[-1]

    async with asyncio.TaskGroup() as tasks:
        yield start
        for task in own:
            task.cancel()


def _call_over(figures: Figures, presences: Presences, session: CallSession) -> None:
    figures.over.add(session)
    presences.call_over(session.call_id, session.people.ended_by)


def _live(
    settings: Settings,
    client: redis.Redis,
    figures: PeopleFigures,
    start: Callable[[Coroutine[Any, Any, None], str], object],
) -> Live:
    """What people follow of live calls, with the organisations' streams running."""
    stream = Organisations(client, figures)
    start(stream.run(), "live")
    return Live(stream, shows_listeners=settings.show_listeners)


def _models(settings: Settings, switch: ModelSwitch) -> Models:
    return Models(
        settings.model_keys,
        base_urls=settings.model_base_urls,
        prices={name: Price(*price) for name, price in read_model_prices().items()},
        is_off=lambda: switch.off,
        key_in_menu=greeting_words().key_to_a_person,
    )


def _hold_music(path: str) -> bytes:
    """Return what prospects on hold hear. A file that cannot be played is no reason to refuse calls."""
    if path:
        try:
            return read_loop(Path(path))
        except BadMusic as error:
            log.error("hold_music.unusable", reason=str(error))
    return composed()


def _crm_client(settings: Settings) -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {settings.internal_key.get_secret_value()}"}
    return httpx.AsyncClient(base_url=settings.crm_address, headers=headers)


async def serve(settings: Settings, stopping: asyncio.Event, hurry: asyncio.Event | None = None) -> None:
    """Serve until `stopping` is set, then drain, faster each time `hurry` is set. Raises OSError: the port is taken."""
    process = VoiceProcess(settings, stopping, hurry or asyncio.Event())
    listener = socket.create_server((settings.host, settings.voice_port), backlog=1024)
    server = stream_server(process.web())
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(listener.close)
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        serving = tasks.create_task(server.serve(sockets=[listener]), name="web")
        await process.run()
        server.should_exit = True
        await serving


async def _until_signalled(settings: Settings) -> None:
    stopping, hurry = asyncio.Event(), asyncio.Event()

    def stop() -> None:
        (hurry if stopping.is_set() else stopping).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    await serve(settings, stopping, hurry)


def run(settings: Settings) -> None:
    """Run the voice process to its end; a fault at start is one structured line and exit status 1."""
    if not settings.check_signatures and settings.host not in LOOPBACK_HOSTS:
        die("voice", "check_signatures may be off on a loopback host only")
    try:
        uvloop.run(_until_signalled(settings))
    except* (
        BadSettings,
        BadServices,
        BadModelFolder,
        BadModelPrices,
        ModelMissing,
        StoreUnavailable,
        OSError,
    ) as group:
        die("voice", "; ".join(_causes(group)))


def _causes(group: BaseExceptionGroup[Exception]) -> Iterator[str]:
    """Yield what each error says, however many groups of tasks it came out of."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _causes(error)
        else:
            yield str(error)
