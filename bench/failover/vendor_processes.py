"""The providers of the failover bench, a process each: started by one that only watches them.

`python -m bench.failover.vendor_processes` takes its setting as a line of JSON, prints where they are as another, then
a line for each death as it comes, and serves until SIGTERM. One that is killed is away for a while and comes back at
its port.

They are forked from one process that has loaded everything: what starts in mid-run must not take the calls' cores.
"""

import asyncio
import contextlib
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Mapping
from typing import Final

import msgspec
import uvloop

from bench.failover.case import HEARD, KILLED, vocabulary
from bench.failover.vendor import REFUSED, ROLES, Role, Setting, Strike, Vendor
from bench.providers import chat_script
from bench.providers.anthropic_messages import AnthropicMessages
from bench.providers.chat_server import HOST, ChatServer
from bench.providers.deepgram import Deepgram
from bench.providers.elevenlabs import ElevenLabs
from bench.providers.gemini_generate import GeminiGenerate
from bench.providers.openai_chat import OpenAIChat
from bench.providers.socket_server import SpeechServer
from bench.providers.spoken_lines import Line, SpokenLines
from media.frame import FRAME_SAMPLES

DOWN_S: Final = 1.0  # from a provider's death to its next start
PARENT_LOOK_S: Final = 1.0
LOOK_EVERY_S: Final = 0.02
_LINE_MAX: Final = 4_096  # what a pipe takes in one piece (PIPE_BUF)
_DIALECTS: Final = (OpenAIChat, AnthropicMessages, GeminiGenerate)
_READY: Final = b"ready\n"


def watch(setting: Setting) -> None:
    """Run all providers until SIGTERM, or until who started this is gone."""
    stopping = False

    def stop(_number: int, _frame: object) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    with contextlib.ExitStack() as stack:
        ports = {role: _keep_port(stack) for role in ROLES}
        flock = _Flock(setting, ports)
        stack.callback(flock.end)
        for role in ROLES:
            flock.start(role)
        parent = os.getppid()
        while not stopping and os.getppid() == parent:
            flock.look()


class _Flock:
    """The providers' processes."""

    def __init__(self, setting: Setting, ports: Mapping[Role, int]) -> None:
        self._setting = setting
        self._ear = SpokenLines.of([_line(setting)])
        self._ports = ports
        self._spared: dict[Role, set[int]] = {role: set() for role in ROLES}
        self._running: dict[int, Role] = {}  # by pid
        self._due: dict[Role, float] = {}  # when those that died start again
        self._told, self._tell = os.pipe()
        self._begun = b""  # of a line
        self._ready = 0

    def start(self, role: Role) -> None:
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                for number in (signal.SIGTERM, signal.SIGINT):
                    signal.signal(number, signal.SIG_DFL)
                told = self._setting
                vendor = Vendor(role, told.seed, told.turns, vocabulary(), self._ear, self._spared[role])
                uvloop.run(_serve(vendor, self._ports[role], self._tell))
                status = 0
            finally:
                os._exit(status)  # never back into the watcher's loop
        self._running[pid] = role

    def look(self) -> None:
        """Pass on what providers tell, and start those again that were killed."""
        if select.select([self._told], [], [], LOOK_EVERY_S)[0]:
            *lines, self._begun = (self._begun + os.read(self._told, _LINE_MAX)).split(b"\n")
            for line in lines:
                self._take(line)
        while self._running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                break
            role = self._running.pop(pid)
            if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
                raise RuntimeError(f"the provider {role.name} ended by itself")
            self._due[role] = time.monotonic() + DOWN_S
        for role in [role for role, due in self._due.items() if due <= time.monotonic()]:
            del self._due[role]
            self.start(role)

    def end(self) -> None:
        for pid in self._running:
            os.kill(pid, signal.SIGTERM)
        for pid in self._running:
            os.waitpid(pid, 0)

    def _take(self, line: bytes) -> None:
        if line == _READY.strip():
            self._ready += 1
            if self._ready == len(ROLES):
                urls = {_place(role): _url(role, port) for role, port in self._ports.items()}
                _say(msgspec.json.encode(urls))
            return
        strike = msgspec.json.decode(line, type=Strike)
        if strike.fault == KILLED:
            (role,) = (role for role in ROLES if role.name == strike.role)
            self._spared[role].add(strike.call)
        _say(line)


async def _serve(vendor: Vendor, port: int, tell: int) -> None:
    """Be one provider, at a port that the watcher keeps."""

    def strike(key: str) -> None:
        told = vendor.struck(key)
        if told is not None:
            os.write(tell, msgspec.json.encode(told) + b"\n")
            if told.fault == KILLED:
                os.kill(os.getpid(), signal.SIGKILL)

    def think(seen: chat_script.Seen) -> chat_script.Reaction:
        reaction = vendor.think(seen.key, seen.body)
        if isinstance(reaction, chat_script.Refusal) and reaction.status == REFUSED:
            strike(seen.key)
        return reaction

    server: ChatServer | SpeechServer
    match vendor.role.kind:
        case "model":
            dialect = _DIALECTS[vendor.role.rank]()
            server = ChatServer(dialect, think, port=port, on_fault=lambda seen: strike(seen.key))
        case kind:
            vendors, answer = (ElevenLabs(), vendor.speak) if kind == "voice" else (Deepgram(), vendor.hear)
            server = SpeechServer(
                vendors, lambda seen: answer(seen.key), port=port, on_fault=lambda seen: strike(seen.key)
            )
    parent = os.getppid()
    async with server:
        os.write(tell, _READY)
        while os.getppid() == parent:  # noqa: ASYNC110 - nothing tells of a parent's death
            await asyncio.sleep(PARENT_LOOK_S)


def _line(setting: Setting) -> Line:
    return Line(HEARD, setting.utterance, setting.first_voiced * FRAME_SAMPLES, len(setting.utterance))


def _keep_port(stack: contextlib.ExitStack) -> int:
    """Return a port that nobody else gets while its provider is away: then connections to it are refused."""
    kept = stack.enter_context(socket.socket())
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    kept.bind((HOST, 0))
    return int(kept.getsockname()[1])


def _place(role: Role) -> str:
    """Return the name that leads to it: models are of different vendors, the others of one."""
    return role.name.partition(":")[0] if role.kind == "model" else role.name


def _url(role: Role, port: int) -> str:
    if role.kind == "model":
        return f"http://{HOST}:{port}{_DIALECTS[role.rank].default_path}"
    return f"ws://{HOST}:{port}"


def _say(line: bytes) -> None:
    sys.stdout.write(line.decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    watch(msgspec.json.decode(sys.stdin.readline(), type=Setting))
