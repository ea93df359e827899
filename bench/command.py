"""The command line of the bench: `salesos bench …`, or `python -m bench …` for what needs no Redis of its own.

Every part is imported when its command runs.
"""

import asyncio
import contextlib
import os
import sys
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bench import checks_command
from bench.crm import command as crm_command
from bench.outcome import JsonFile, ReportFile, failing_with, give
from bench.peer import command as peer_command
from bench.people import command as people_command
from bench.servers import Servers
from bench.turn_table import command as turn_table_command
from bench.turns import command as turns_command
from config.logs import configure_logs


class Providers(StrEnum):
    INSTANT = "instant"
    SOCKETS = "sockets"


class CallProviders(StrEnum):
    EMBEDDED = "embedded"
    SOCKETS = "sockets"


SttFinal = Annotated[int, typer.Option(min=0, help="Of the recogniser: from the last syllable to its words.")]
FirstToken = Annotated[int, typer.Option(min=0, help="Of the model; the others follow 10 ms apart.")]
FirstAudio = Annotated[int, typer.Option(min=0, help="Of the voice: from a clause's text to its first sound.")]

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Measure: the audio plane under load, its stages, and calls through a running system.",
)
checks_command.register(app)
crm_command.register(app)
peer_command.register(app)
people_command.register(app)
turns_command.register(app)
turn_table_command.register(app)


@app.command()
def serve(
    context: typer.Context,
    core: Annotated[int, typer.Option(help="Pin the process and its children to this core; -1: to none.")] = -1,
    max_calls: Annotated[int, typer.Option(min=1, help="Refuse streams beyond.")] = 1_000,
    by_load: Annotated[bool, typer.Option(help="Refuse calls that would make others suffer.")] = True,
    redis_url: Annotated[str, typer.Option(envvar="SALESOS_REDIS_URL", help="Empty: one is started.")] = "",
    behind: Annotated[str, typer.Option(help="JSON: where providers are. Empty: minds in this process.")] = "",
    log_level: str = "warning",
) -> None:
    """Serve the call path with instant minds to unsigned streams on loopback, until SIGTERM."""
    import msgspec

    from bench.providers.process import Behind
    from bench.serve import run

    configure_logs("bench", log_level)
    if core >= 0:
        os.sched_setaffinity(0, {core})  # before anything is started: children inherit it
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="salesos-bench-")))
        if not redis_url:
            servers: Servers | None = context.obj
            if servers is None:
                raise typer.BadParameter("set SALESOS_REDIS_URL, or use `salesos bench serve`")
            redis_url = stack.enter_context(servers.redis(folder / "redis"))
        sockets = msgspec.json.decode(behind, type=Behind) if behind else None
        run(folder, redis_url, max_calls, os.getpid(), by_load=by_load, behind=sockets)


@app.command()
def load(
    calls: Annotated[str, typer.Option(help="Numbers of calls, one run each, such as 1,20,80,120.")] = "1,20,80,120",
    seconds: Annotated[float, typer.Option(min=1, help="Measured time of a run; some 15 s come on top.")] = 60,
    tries: Annotated[int, typer.Option(min=1, max=10, help="Repeat a void run until so many have been made.")] = 3,
    sockets: Annotated[bool, typer.Option(help="Also measure sockets alone, the floor of what a call costs.")] = True,
    server_core: Annotated[int, typer.Option(min=0)] = 0,
    client_core: Annotated[int, typer.Option(min=0)] = 1,
    providers: Annotated[Providers, typer.Option(help="Minds in the server, or behind sockets.")] = Providers.INSTANT,
    smart_turn: Annotated[bool, typer.Option(help="Judge ends of turns by their sound (behind sockets).")] = False,
    stt_final_ms: SttFinal = 250,
    first_token_ms: FirstToken = 350,
    first_audio_ms: FirstAudio = 90,
    json: JsonFile = None,
    report: ReportFile = None,
) -> None:
    """Load a server of its own, pinned to one core, with simulated carrier calls from another.

    A run of 8 calls and at least 200 turns is what larger ones are compared with.
    """
    import uvloop

    from bench import load_page
    from bench.load import measure
    from bench.load_report import LoadRun, table
    from bench.load_run import Cores
    from bench.providers.process import TOKEN_GAP_MS, Behind, Timing, provider_process
    from bench.server_process import ServerFailed

    configure_logs("bench", "warning")

    def tell(run: LoadRun) -> None:
        typer.echo(f"{run.calls} calls measured{': void' if run.void else ''}", err=True)

    cores = Cores(server_core, client_core)
    with failing_with("load", ServerFailed), contextlib.ExitStack() as stack:
        behind = None
        if providers is Providers.SOCKETS:
            timing = Timing(stt_final_ms, first_token_ms, TOKEN_GAP_MS, first_audio_ms)
            addresses = stack.enter_context(provider_process(timing, client_core))
            behind = Behind(addresses.urls, smart_turn=smart_turn)
        figures = uvloop.run(
            measure(_numbers(calls), seconds, cores, tell, tries=tries, sockets=sockets, behind=behind)
        )
    give(table(figures), figures, lambda: load_page.page(figures), json, report)


@app.command()
def micro(
    seconds: Annotated[float, typer.Option(min=0.001, help="Measured time of each stage.")] = 0.5,
    json: JsonFile = None,
    report: ReportFile = None,
) -> None:
    """Time one operation of each stage of a frame's path."""
    from bench.micro import MicroFailed, measure, page, table

    with failing_with("micro", MicroFailed):
        costs = measure(seconds)
    give(table(costs), {"stages": costs}, lambda: page(costs), json, report)


def _numbers(text: str) -> list[int]:
    """Return the numbers in a list such as 1,20,80."""
    parts = text.split(",")
    if not all(part.strip().isdigit() and int(part) > 0 for part in parts):
        raise typer.BadParameter(f"{text!r} is not a list of numbers above 0")
    return [int(part) for part in parts]


@app.command()
def call(
    providers: Annotated[CallProviders, typer.Option(help="Whose speech and words.")] = CallProviders.EMBEDDED,
    count: Annotated[int, typer.Option(min=1, max=500)] = 10,
    at_once: Annotated[int, typer.Option(min=1, max=20)] = 2,
    persona: Annotated[str, typer.Option(help="Who answers (embedded only).")] = "eager",
    stt_final_ms: SttFinal = 0,
    first_token_ms: FirstToken = 0,
    first_audio_ms: FirstAudio = 0,
    stt_partial_ms: Annotated[
        int, typer.Option(min=-1, help="From the last syllable to a first guess that has its word; -1: there is none.")
    ] = 100,
    speculate: Annotated[bool, typer.Option(help="Begin answers on probable ends of turns (sockets only).")] = False,
    smart_turn: Annotated[bool, typer.Option(help="Judge ends of turns by their sound (sockets only).")] = False,
    json: JsonFile = None,
    report: ReportFile = None,
) -> None:
    """Place whole calls: where does the time from the last syllable heard to the first played go?"""
    import uvloop

    from bench import calls, socket_calls
    from bench.providers.process import TOKEN_GAP_MS, Timing
    from bench.server_process import ServerFailed
    from bench.whole_system import SystemFailed
    from config.settings import read_settings

    configure_logs("bench", "warning")
    if providers is CallProviders.EMBEDDED:
        measuring = calls.measure(persona, count, at_once, read_settings().data_dir.absolute())
    else:
        gap_ms = TOKEN_GAP_MS if first_token_ms else 0
        timing = Timing(stt_final_ms, first_token_ms, gap_ms, first_audio_ms, stt_partial_ms)
        measuring = socket_calls.measure(count, at_once, timing, speculate=speculate, smart_turn=smart_turn)
    with failing_with("call", SystemFailed, ServerFailed):
        found = uvloop.run(measuring)
    give(calls.lines_of(found), found, lambda: calls.page(found), json, report)
    raise typer.Exit(0 if found.good else 1)


@app.command()
def personas(
    times: Annotated[int, typer.Option(min=1, max=50)] = 1,
    at_once: Annotated[int, typer.Option(min=1, max=10)] = 3,
    unseen: Annotated[bool, typer.Option("--unseen", help="Those on whom nothing is tuned, and nobody else.")] = False,
    portuguese: Annotated[
        bool, typer.Option("--portuguese", help="Those that speak Portuguese, in a system of its own.")
    ] = False,
) -> None:
    """Call every persona in the running system; compare with its table and with the carrier's own account."""
    from bench.personas import TABLE, run_personas
    from bench.portuguese_personas import run_portuguese
    from bench.system_api import SystemRefused
    from bench.unseen_personas import ONCE_UNSEEN, UNSEEN
    from bench.whole_system import SystemFailed
    from config.settings import read_settings

    if portuguese:
        with failing_with("personas", SystemFailed, SystemRefused, RuntimeError):
            lines, good, count = asyncio.run(run_portuguese(times, at_once))
    else:
        carrier = read_settings().carrier_address
        lines, good, count = run_personas(times, at_once, carrier, UNSEEN if unseen else {**TABLE, **ONCE_UNSEEN})
    sys.stdout.writelines(f"{line}\n" for line in lines)
    raise typer.Exit(0 if good == count else 1)
