"""Groups of simulated calls on one server: each group has a tally of its own, and each call an end that is told apart.

The server takes a call, refuses it with a reason (close code 1013), or loses it later; which, its socket says.
"""

import asyncio
import time
from collections import Counter
from typing import Final

from bench.carrier_client import Caller, Tally
from bench.fakes import TONE_MS
from bench.pacer import Pacer
from bench.stream_socket import StreamRefused, StreamSocket, connect
from bench.utterance import Utterance

TRY_AGAIN_LATER: Final = 1013  # RFC 6455's registry of close codes: how the server refuses
UNSAID: Final = "no_reason"  # a refusal that does not say why
UNCONNECTED: Final = "not_connected"


class Group:
    """Calls that were offered together."""

    def __init__(self, lateness: Tally) -> None:
        self.tally = Tally()
        self.offered = 0
        self.refused: Counter[str] = Counter()
        self.callers: dict[int, Caller] = {}
        self.sockets: dict[int, StreamSocket] = {}
        self.lost = 0  # taken, and closed by the server in mid-call
        self.lateness = lateness

    @property
    def admitted(self) -> int:
        return self.offered - self.refused.total()


class Crowd:
    """All calls of a client. Its tasks live in the group that it is given."""

    def __init__(self, tasks: asyncio.TaskGroup, stream_url: str, utterance: Utterance) -> None:
        self._tasks = tasks
        self._url = stream_url
        self._utterance = utterance
        self._number = 0
        self.lateness = Tally()  # of our own sends, all groups
        self._pacer = Pacer(self.lateness)
        self._groups: list[Group] = []
        self._pacing = tasks.create_task(self._pacer.run(), name="bench.pace")
        self._ending = False

    def group(self) -> Group:
        self._groups.append(Group(self.lateness))
        return self._groups[-1]

    async def offer(self, group: Group, calls: int, over_s: float) -> None:
        """Offer calls, spread evenly over a time."""
        begun = time.monotonic()
        for number in range(calls):
            await asyncio.sleep(max(0.0, begun + number * over_s / calls - time.monotonic()))
            await self._call(group)

    async def end(self, patience_s: float) -> None:
        """Hang up all calls and wait until the server has closed them."""
        self._ending = True
        for group in self._groups:
            for number, caller in group.callers.items():
                self._pacer.remove(number)
                caller.stop()
        try:
            async with asyncio.timeout(patience_s):
                for group in self._groups:
                    for socket in group.sockets.values():
                        await socket.closed.wait()
        except TimeoutError:
            pass  # a server that cannot even end them: they are closed below
        for group in self._groups:
            for socket in group.sockets.values():
                socket.close()
        self._pacing.cancel()

    async def _call(self, group: Group) -> None:
        self._number += 1
        number = self._number
        group.offered += 1
        slot: list[Caller] = []
        try:
            socket = await connect(self._url, lambda text: slot[0].received(text, time.monotonic()))
        except (StreamRefused, OSError, TimeoutError):
            group.refused[UNCONNECTED] += 1
            return
        caller = Caller(
            number, self._utterance, TONE_MS / 1000, group.tally, socket.send, unsent_bytes=lambda: socket.unsent_bytes
        )
        slot.append(caller)
        group.callers[number] = caller
        group.sockets[number] = socket
        caller.start(time.monotonic())
        self._pacer.add(number, caller, time.monotonic() + number % 20 / 1000)
        self._tasks.create_task(self._watch(group, number, socket), name="bench.watch")

    async def _watch(self, group: Group, number: int, socket: StreamSocket) -> None:
        """Note how a call ends that we did not end."""
        await socket.closed.wait()
        if self._ending:
            return
        self._pacer.remove(number)
        if socket.close_code == TRY_AGAIN_LATER:
            group.refused[socket.close_reason or UNSAID] += 1
        else:
            group.lost += 1
