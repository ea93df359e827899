"""Personas that speak Portuguese, and a system that can hear them: `salesos bench personas --portuguese`.

The embedded recogniser knows English. Here the system asks Deepgram's interface, through the vendor's SDK, at the
providers' process, which makes the personas' lines out by their sound (bench/providers/spoken_lines.py).
"""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any, Final

from bench.personas import Expected, run_personas
from bench.providers.process import Addresses, Timing, provider_process
from bench.system_api import SystemApi
from bench.whole_system import WholeSystem, whole_system

PORTUGUESE: Final[Mapping[str, Expected]] = {
    # "Aham", "sim" and "tá" while the agent speaks do not stop it.
    "portuguese": Expected("ended", ("goal_reached",), "human", "meeting_booked", True),
    "portuguese_opt_out": Expected("ended", ("opted_out",), "human", "do_not_call", True, (1, 1), do_not_call=True),
}
AGENT: Final[Mapping[str, Any]] = {
    "name": "Bia",
    "playbook": "reuniao_energia",
    "language": "pt-BR",
    "voice": "pt-br",
    "stt": "deepgram:nova-3",
}
FINAL_MS: Final = 250  # from the last syllable to its words, as vendors need


def settings_for(providers: Addresses) -> dict[str, str]:
    """Return the settings of a system that asks those providers, without their prefix."""
    return {"DEEPGRAM_BASE_URL": providers.deepgram.replace("ws:", "http:", 1), "DEEPGRAM_API_KEY": "any"}


def hearing_portuguese() -> "contextlib.AbstractContextManager[Addresses]":
    """Run the providers that understand the Portuguese personas while the context is open. Blocking."""
    return provider_process(Timing(stt_final_ms=FINAL_MS), personas=tuple(PORTUGUESE))


async def run_portuguese(times: int, at_once: int) -> tuple[list[str], int, int]:
    """Call each of them `times` times in a system of our own; return lines, calls as expected, all calls.

    Raises:
        SystemFailed, SystemRefused, RuntimeError: the system or the providers did not come up.
    """
    async with _system() as system:
        running = await system.wait_ready()
        async with SystemApi.signed_in(running.crm, running.carrier, running.email, running.password) as api:
            await api.make_agent(AGENT)
        name, voice = str(AGENT["name"]), str(AGENT["voice"])
        return await asyncio.to_thread(
            run_personas, times, at_once, running.carrier, PORTUGUESE, system.environment, name, voice
        )


@contextlib.asynccontextmanager
async def _system() -> AsyncGenerator[WholeSystem]:
    with tempfile.TemporaryDirectory(prefix="salesos-bench-") as folder, hearing_portuguese() as providers:
        async with whole_system(Path(folder), settings_for(providers)) as system:
            yield system
