"""The telephone exchange: all calls, who sits at which number, and what goes wrong. The box's one piece of state."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import httpx
import structlog

from agent.tts.espeak_library import EspeakFailed
from telephony.carrier import errors, keeping
from telephony.carrier.calls import MOVES, Call, Order, Source, Status, new_sid
from telephony.carrier.casting import cast
from telephony.carrier.clip import BadAudio
from telephony.carrier.errors import Fault, Refused
from telephony.carrier.faults import FaultPlan, Faults
from telephony.carrier.live_call import HangUp, LiveCall, NewScript
from telephony.carrier.persona import Answer, Persona
from telephony.carrier.voice import VoiceThread
from telephony.carrier.webhooks import Webhooks

FINISHED_MAX: Final = 200  # finished calls that are remembered
LIVE_MAX: Final = 500
LINES_MAX: Final = 10_000
DEFAULT_PERSONA: Final = "eager"
END_TIMEOUT_S: Final = 2.0  # how long an update waits to see the call end
CALLBACK_IDLE_S: Final = 2.0  # servers commonly close an idle connection after five
KEEP_TIMEOUT_S: Final = 30.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Seat:
    """Who answers a number."""

    persona: str
    wav_path: Path | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Account:
    sid: str
    auth_token: str
    number: str  # the one phone number it owns
    voice_url: str = ""  # where its calls that come in are asked about


class Exchange:
    """Use it as an async context manager: leaving it ends all live calls."""

    def __init__(self, account: Account, personas: dict[str, Persona], personas_dir: Path, audio_dir: Path) -> None:
        self.account = account
        self.personas = personas
        self.faults = Faults()
        self._personas_dir = personas_dir
        self._audio_dir = audio_dir
        self._seats = {number: Seat(name) for name, persona in personas.items() for number in persona.numbers}
        self._calls: dict[str, Call] = {}
        self._live: dict[str, LiveCall] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> None:
        self._voice = VoiceThread()
        self._stack.callback(self._voice.close)
        # The environment's proxies are for the outside world; callbacks go to the customer's own addresses.
        # Servers close idle connections after some seconds; one that is about to close must not get a callback.
        limits = httpx.Limits(keepalive_expiry=CALLBACK_IDLE_S)
        client = await self._stack.enter_async_context(httpx.AsyncClient(trust_env=False, limits=limits))
        self._webhooks = Webhooks(client, self.account.auth_token)
        self._tasks = await self._stack.enter_async_context(asyncio.TaskGroup())
        self._holding: dict[str, asyncio.Task[None]] = {}
        async with asyncio.timeout(KEEP_TIMEOUT_S):
            await asyncio.to_thread(keeping.trim, self._audio_dir, FINISHED_MAX)

    async def __aexit__(self, *_: object) -> None:
        for task in list(self._holding.values()):
            task.cancel()
        await self._stack.aclose()

    @property
    def live_calls(self) -> int:
        return len(self._live)

    def seat(self, number: str, seat: Seat) -> None:
        """Put a persona on a number, in place of the one there.

        Raises:
            Refused: no such persona, or a file is needed and not there.
        """
        self._check(seat)
        self._seats.pop(number, None)
        self._seats[number] = seat
        while len(self._seats) > LINES_MAX:
            del self._seats[next(iter(self._seats))]

    def _check(self, seat: Seat) -> None:
        persona = self.personas.get(seat.persona)
        if persona is None:
            raise Refused(errors.bad_parameter("persona", f"is one of {', '.join(self.personas)}"))
        if persona.needs_file and (seat.wav_path is None or not seat.wav_path.is_file()):
            raise Refused(errors.bad_parameter("wav_path", "this persona plays a file; name one that is there"))

    def find(self, call_sid: str) -> Call | None:
        return self._calls.get(call_sid)

    def calls(self) -> list[Call]:
        """Return all calls that are remembered, newest first."""
        return list(reversed(self._calls.values()))

    async def place(self, order: Order) -> Call:
        """Make a call; it goes on by itself.

        Raises:
            Refused: a fault says so, or too many calls are live.
        """
        if len(self._live) >= LIVE_MAX:
            raise Refused(errors.TOO_MANY)
        plan = self.faults.on_dial(order.to)
        refusal = plan.refuse if plan else None
        if refusal is not None:
            await asyncio.sleep(refusal.delay_s)
        if refusal is None or refusal.dial_anyway:
            seat = self._seats.get(order.to, Seat(DEFAULT_PERSONA))
            call = self._begin(order, seat, plan)
            if refusal is None:
                return call
        raise Refused(Fault(refusal.code, refusal.message, refusal.status))

    async def ring(self, order: Order, seat: Seat) -> Call:
        """Let somebody ring one of the customer's numbers; it goes on by itself.

        Raises:
            Refused: no such persona, it needs a file that is not there, or too many calls are live.
        """
        if len(self._live) >= LIVE_MAX:
            raise Refused(errors.TOO_MANY)
        self._check(seat)
        return self._begin(order, seat, self.faults.on_dial(order.theirs))

    def _begin(self, order: Order, seat: Seat, plan: FaultPlan | None) -> Call:
        now = datetime.now(UTC)
        call = Call(new_sid("CA"), self.account.sid, order, now, now, seat.persona)
        live = LiveCall(
            call,
            self.personas[seat.persona].answer,
            self._webhooks,
            self.faults,
            self._voice,
            self.account.auth_token,
            plan,
            answer_of=self._answer_of,
        )
        self._calls[call.sid] = call
        self._live[call.sid] = live
        self._holding[call.sid] = self._tasks.create_task(self._hold(live, seat), name=f"carrier.call.{call.sid}")
        return call

    def _answer_of(self, number: str) -> Answer:
        return self.personas[self._seats.get(number, Seat(DEFAULT_PERSONA)).persona].answer

    async def update(self, call: Call, wish: Status | None, source: Source | None) -> None:
        """Give a live call a new script, or end it.

        Raises:
            Refused: it is over (21220).
        """
        live = self._live.get(call.sid)
        if call.is_over or live is None:
            raise Refused(errors.NOT_IN_PROGRESS)
        if source is not None:
            live.signal(NewScript(source))
        if wish is None or (wish is Status.CANCELED and call.status is Status.IN_PROGRESS):
            return  # `canceled` leaves a call that has been answered alone
        live.signal(HangUp("api"))
        try:
            async with asyncio.timeout(END_TIMEOUT_S):
                await live.over.wait()
        except TimeoutError:
            log.warning("carrier.slow_end", call_sid=call.sid)

    def sound(self, call: Call, side: keeping.Side) -> bytes | None:
        """Return one side of a call so far, None when nobody answered. Blocking."""
        if call.sid in self._live and call.line is not None:
            return keeping.wav_of(call.line, side)
        path = keeping.path_of(self._audio_dir, call.sid, side)
        return path.read_bytes() if path.is_file() else None

    async def _hold(self, live: LiveCall, seat: Seat) -> None:
        """Carry one call from beginning to end, whatever happens in it."""
        call = live.call
        try:
            persona = self.personas[seat.persona]
            live.part = await cast(persona, self._personas_dir, seat.wav_path, self._voice, seat.seed)
            await live.run()
        except (BadAudio, EspeakFailed, TimeoutError) as error:
            call.note(errors.BAD_PARAMETER, f"persona {seat.persona}: {error}")
            self._fail(live)
        except Exception:
            log.exception("carrier.call_broken", call_sid=call.sid)
            self._fail(live)
        finally:
            live.over.set()
            if call.line is not None:
                await self._keep(call)
            del self._live[call.sid], self._holding[call.sid]
            await self._forget_old()

    def _fail(self, live: LiveCall) -> None:
        if Status.FAILED in MOVES[live.call.status]:
            live.call.ended_by = "network"
            live.call.move(Status.FAILED, datetime.now(UTC))

    async def _keep(self, call: Call) -> None:
        assert call.line is not None
        # A copy: a thread that is given up on still writes the whole when the line's memory has been given back.
        kept = replace(call.line)
        try:
            async with asyncio.timeout(KEEP_TIMEOUT_S):
                await asyncio.to_thread(keeping.store, self._audio_dir, call.sid, kept)
        except (OSError, TimeoutError) as error:
            log.warning("carrier.audio_not_kept", call_sid=call.sid, reason=str(error))
        call.line.heard, call.line.said = bytearray(), bytearray()

    async def _forget_old(self) -> None:
        finished = [sid for sid in self._calls if sid not in self._live]
        old = finished[: max(0, len(finished) - FINISHED_MAX)]
        for sid in old:
            del self._calls[sid]
        if old:
            async with asyncio.timeout(KEEP_TIMEOUT_S):
                await asyncio.to_thread(keeping.forget, self._audio_dir, old)
