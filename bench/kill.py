"""`salesos bench kill`: kills the voice process of a whole system amid its calls, and looks what is left of them.

Each round dials some simulated prospects, kills the voice process by SIGKILL at a random moment and waits until the
next one has made everything whole. Every other round hangs up half of the calls just before, so that some die while
they end or upload. A case is a call of which the killed process left a journal.
"""

import asyncio
import os
import random
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog

from bench.kill_check import Case, Evidence, check
from bench.process_meter import is_running
from bench.system_api import SystemApi, SystemRefused, fictional_numbers
from bench.whole_system import WholeSystem, whole_system
from events import call as events
from telephony import journal

log = structlog.get_logger()

# Talkers in the main, and some that only ring, end soon or leave a beep.
PERSONAS: Final = ("eager", "objector", "interrupter", "backchannel", "in_a_hurry", "opt_out", "voicemail", "no_answer")
DIALS_WITHIN_S: Final = 6.0
KILL_BETWEEN_S: Final = (3.0, 18.0)
LAST_MOMENT_S: Final = 0.6  # after the hang-ups of a round that kills endings
# A supervisor gives up a process that keeps dying young; what we kill has lived longer than it minds.
LIFE_MIN_S: Final = 21.0
WHOLE_WITHIN_S: Final = 90.0
STRAY_AFTER_S: Final = 3.0  # a dial that the next process finds among its commands is a live call: it is hung up
GONE_WITHIN_S: Final = 5.0
POLL_S: Final = 0.25
ROUNDS_MAX: Final = 60
_SETTINGS: Final = {"MAX_CALL_S": "120", "LOG_LEVEL": "info"}


class KillReport(msgspec.Struct, frozen=True):
    """`whole` of `cases` are as they should be; `faults` belong to no single case."""

    wanted: int
    whole: int
    kills: int
    restart_s: float  # the longest, from a kill to a process that is ready again
    seconds: float
    cases: tuple[Case, ...]
    faults: tuple[str, ...]

    @property
    def good(self) -> bool:
        return len(self.cases) >= self.wanted and self.whole == len(self.cases) and not self.faults


@dataclass(slots=True)
class Round:
    number: int
    personas: dict[str, str] = field(default_factory=dict)  # by the number called
    journals: dict[UUID, list[events.Event]] = field(default_factory=dict)  # by call, as the killed process left them
    killed_at: float = 0.0  # wall time, as the carrier tells its own
    restart_s: float = 0.0

    @property
    def kills_endings(self) -> bool:
        return self.number % 2 == 0


class Killer:
    """One whole system and its rounds."""

    def __init__(self, system: WholeSystem, api: SystemApi, at_once: int, seed: int) -> None:
        self._system = system
        self._api = api
        self._at_once = at_once
        self._chance = random.Random(seed)  # noqa: S311 - moments and voices, no secrets
        self._numbers: Iterator[str] = fictional_numbers()
        self._ready_at = time.monotonic()
        self._killed_pid = 0
        self.slowest_restart_s = 0.0

    async def play(self, number: int) -> tuple[list[Case], list[str]]:
        """Play one round; return its cases and what went wrong beside them.

        Raises:
            SystemFailed: the voice process did not come back.
        """
        one = Round(number)
        await self._dial_and_kill(one)
        await self._wait_restarted(one)
        faults = await self._until_whole(one)
        log.info("bench.round", number=number, journals=len(one.journals), restart_s=round(one.restart_s, 2))
        return [await self._case(one, call_id) for call_id in one.journals], faults

    async def _dial_and_kill(self, one: Round) -> None:
        leads = []
        for _ in range(self._at_once):
            number, persona = next(self._numbers), self._chance.choice(PERSONAS)
            one.personas[number] = persona
            leads.append(await self._api.seat(number, persona))
        kill_after_s = self._chance.uniform(*KILL_BETWEEN_S)
        await asyncio.sleep(LIFE_MIN_S - kill_after_s - (time.monotonic() - self._ready_at))
        async with asyncio.TaskGroup() as tasks:
            for lead in leads:
                tasks.create_task(self._place(lead, self._chance.uniform(0, DIALS_WITHIN_S)), name="bench.dial")
            await asyncio.sleep(kill_after_s)
            if one.kills_endings:
                live = await self._live(one)
                for call_id in self._chance.sample(live, len(live) // 2):
                    tasks.create_task(self._hang_up(call_id), name="bench.hang_up")
                await asyncio.sleep(self._chance.uniform(0, LAST_MOMENT_S))
            await self._kill(one)

    async def _place(self, lead_id: str, after_s: float) -> None:
        await asyncio.sleep(after_s)
        try:
            await self._api.place(lead_id)
        except SystemRefused as error:
            # Nobody is there to take it between the kill and the restart; what became of it is looked at later.
            log.info("bench.dial_refused", reason=str(error))

    async def _hang_up(self, call_id: str) -> None:
        try:
            await self._api.hang_up(call_id)
        except SystemRefused as error:
            log.info("bench.hang_up_refused", reason=str(error))

    async def _live(self, one: Round) -> list[str]:
        calls = await self._api.calls()
        return [str(call["call_id"]) for call in calls if call["number"] in one.personas and not call["closed"]]

    async def _kill(self, one: Round) -> None:
        running = self._system.running
        assert running is not None, "the system is up"
        pid = running.children["voice"]
        one.killed_at = time.time()
        os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(GONE_WITHIN_S):
            while is_running(pid):  # noqa: ASYNC110 - somebody else's child: nobody tells us
                await asyncio.sleep(0.002)
        one.journals = await asyncio.to_thread(_read_journals, self._system.journals)
        self._killed_pid = pid

    async def _wait_restarted(self, one: Round) -> None:
        await self._system.wait_ready(unlike_pid=self._killed_pid)
        one.restart_s = time.time() - one.killed_at
        self.slowest_restart_s = max(self.slowest_restart_s, one.restart_s)
        self._ready_at = time.monotonic()

    async def _until_whole(self, one: Round) -> list[str]:
        """Wait until each call of the round is closed and nothing is left on the node's disk."""
        deadline = self._ready_at + WHOLE_WITHIN_S
        strays_hung_up = False
        while True:
            open_calls = await self._live(one)
            left = await asyncio.to_thread(_left_behind, self._system)
            if not open_calls and not left:
                return []
            now = time.monotonic()
            if not strays_hung_up and now > self._ready_at + STRAY_AFTER_S:
                strays_hung_up = True
                for call_id in open_calls:
                    if UUID(call_id) not in one.journals:
                        await self._hang_up(call_id)
            if now > deadline:
                return [f"round {one.number}: {len(open_calls)} calls not closed, left on disk: {left[:5]}"]
            await asyncio.sleep(POLL_S)

    async def _case(self, one: Round, call_id: UUID) -> Case:
        summary = await self._api.call(str(call_id))
        sid = str(summary["carrier_call_id"] or "")
        account = await self._api.carrier_account(sid) if sid else {}
        persona = str(account.get("persona", "")) or "unknown"
        evidence = Evidence(
            journal=one.journals[call_id],
            taken=await self._api.events(str(call_id)),
            summary=summary,
            transactions=await self._api.transactions(str(call_id)),
            recording=await asyncio.to_thread(_read_recording, summary),
            said=await self._api.carrier_sound(sid, "said") if sid else b"",
            heard=await self._api.carrier_sound(sid, "heard") if sid else b"",
            streamed_ms=streamed_ms(account, one.killed_at),
        )
        return check(persona, evidence)


def streamed_ms(account: dict[str, Any], killed_at: float) -> float | None:
    """Return how long a call's stream had lasted when its process died or the call ended; None without a stream."""
    if not account.get("stream_started_at"):
        return None
    began = datetime.fromisoformat(account["stream_started_at"]).timestamp()
    ended = datetime.fromisoformat(account["ended_at"]).timestamp() if account.get("ended_at") else killed_at
    return max(0.0, (min(ended, killed_at) - began) * 1000)


async def measure(times: int, at_once: int, seed: int, on_case: Callable[[Case], None]) -> KillReport:
    """Kill until `times` cases are there; `on_case` hears of each. Raises SystemFailed."""
    began = time.monotonic()
    cases: list[Case] = []
    faults: list[str] = []
    rounds = 0
    with tempfile.TemporaryDirectory(prefix="salesos-bench-") as folder:
        async with whole_system(Path(folder), _SETTINGS) as system:
            running = await system.wait_ready()
            async with SystemApi.signed_in(running.crm, running.carrier, running.email, running.password) as api:
                killer = Killer(system, api, at_once, seed)
                while len(cases) < times and rounds < ROUNDS_MAX:
                    rounds += 1
                    found, wrong = await killer.play(rounds)
                    cases += found
                    faults += wrong
                    for case in found:
                        on_case(case)
    whole = sum(not case.faults for case in cases)
    passed_s = time.monotonic() - began
    slowest_s = round(killer.slowest_restart_s, 2)
    return KillReport(times, whole, rounds, slowest_s, round(passed_s, 1), tuple(cases), tuple(faults))


def _read_journals(folder: Path) -> dict[UUID, list[events.Event]]:
    return {key.call_id: found for key, path in journal.leftovers(folder).items() if (found := journal.read(path))}


def _left_behind(system: WholeSystem) -> list[str]:
    return sorted(
        path.name for folder in (system.journals, system.spool) for path in folder.rglob("*") if path.is_file()
    )


def _read_recording(summary: dict[str, Any]) -> bytes:
    """Return the stored recording; empty when the CRM knows of none."""
    recording = summary["recording"]
    return Path(recording["path"]).read_bytes() if recording else b""
