"""Finds the recordings whose turn tables are asked for: files, or calls of the system that runs in the data folder.

A call's recording comes through the CRM's link, as to any listener; its turns, as its events tell them, come with it.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from bench.system_api import SystemApi
from bench.turn_table.figures import TurnTable, turn_table
from bench.turn_table.sound import NoRecording, channels_of
from bench.whole_system import read_running


async def tables_of(recordings: Sequence[str], data: Path) -> list[TurnTable]:
    """Return the table of each file or call's id, in their order.

    Args:
        data: the folder of the system that knows the ids.

    Raises:
        NoRecording: a file that is missing or cannot be played, or an id while no system runs.
        SystemRefused: the system does not know the call, or has no recording of it.
    """
    found = []
    async with contextlib.AsyncExitStack() as stack:
        api: SystemApi | None = None
        for name in recordings:
            if not _is_id(name):
                found.append(await asyncio.to_thread(_of_file, Path(name)))
                continue
            if api is None:
                api = await stack.enter_async_context(_signed_in(data))
            found.append(await of_call(name, api))
    return found


async def of_call(call_id: str, api: SystemApi) -> TurnTable:
    """Return the table of a call. Raises NoRecording, SystemRefused."""
    summary = await api.call(call_id)
    if not summary["recording"]:
        raise NoRecording(f"call {call_id} has no recording: it was not answered, or none was wanted")
    content = await api.recording(call_id)
    return await asyncio.to_thread(_table, call_id, content, summary["turns"])


def _is_id(name: str) -> bool:
    try:
        UUID(name)
    except ValueError:
        return False
    return True


def _signed_in(data: Path) -> contextlib.AbstractAsyncContextManager[SystemApi]:
    running = read_running(data)
    if running is None:
        raise NoRecording(f"no system runs in {data}: start it with `salesos up`, or give the recording's file")
    return SystemApi.signed_in(running.crm, running.carrier or running.crm, running.email, running.password)


def _of_file(path: Path) -> TurnTable:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise NoRecording(f"{path}: {error.strerror}: give a call's recording, or a call's id") from None
    return _table(path.stem, content, ())


def _table(name: str, content: bytes, turns: Sequence[dict[str, object]]) -> TurnTable:
    try:
        caller, agent, rate_hz = channels_of(content)
    except NoRecording as error:
        raise NoRecording(f"{name}: {error}") from None
    return turn_table(name, caller, agent, rate_hz, turns)
