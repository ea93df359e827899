"""The checks of `salesos bench`: does the server survive what happens to servers? Each returns 0 only when it holds.

Every part is imported when its command runs.
"""

from typing import Annotated

import typer

from bench.outcome import JsonFile, ReportFile, failing_with, give
from config.logs import configure_logs


def register(app: typer.Typer) -> None:
    """Add the checks to the bench's command line."""
    app.command()(kill)
    app.command()(fuzz)
    app.command()(overload)
    app.command()(soak)
    app.command()(failover)


def kill(
    times: Annotated[int, typer.Option(min=1, max=500, help="Cases: calls in progress at a kill.")] = 50,
    at_once: Annotated[int, typer.Option(min=1, max=30, help="Calls dialled in a round.")] = 10,
    seed: Annotated[int, typer.Option(help="Of the moments and of who answers.")] = 1,
    json: JsonFile = None,
    report: ReportFile = None,
) -> None:
    """Kill the voice process amid its calls: are recordings and events whole after the restart?"""
    import uvloop

    from bench import kill_report
    from bench.kill import measure
    from bench.whole_system import SystemFailed

    configure_logs("bench", "warning")
    with failing_with("kill", SystemFailed):
        found = uvloop.run(measure(times, at_once, seed, lambda case: typer.echo(kill_report.line(case), err=True)))
    give(kill_report.summary(found), found, lambda: kill_report.page(found), json, report)
    raise typer.Exit(0 if found.good else 1)


def fuzz(
    minutes: Annotated[float, typer.Option(min=0.1, help="Of fuzzing; about a minute comes on top.")] = 10,
    seed: Annotated[int, typer.Option(help="Of what is damaged and how.")] = 1,
    json: JsonFile = None,
    report: ReportFile = None,
) -> None:
    """Send what no carrier sends, to the parser and to a server's socket, beside well-behaved calls."""
    import uvloop

    from bench import fuzz_report
    from bench.fuzz import measure
    from bench.server_process import ServerFailed

    configure_logs("bench", "warning")
    with failing_with("fuzz", ServerFailed):
        found = uvloop.run(measure(minutes, seed))
    give(fuzz_report.summary(found), found, lambda: fuzz_report.page(found), json, report)
    raise typer.Exit(0 if found.good else 1)


def overload(
    sustainable: Annotated[int, typer.Option(min=0, help="Calls that the core sustains; 0: find them by a ramp.")] = 0,
    seconds: Annotated[float, typer.Option(min=1, help="Measured time before the others come, and after.")] = 60,
    arrive_s: Annotated[float, typer.Option(min=0.1, help="The others arrive over this time.")] = 10,
    max_calls: Annotated[int, typer.Option(min=1, help="The server's hard cap; the load decides below it.")] = 2_000,
    server_core: Annotated[int, typer.Option(min=0)] = 0,
    client_core: Annotated[int, typer.Option(min=0)] = 1,
    json: JsonFile = None,
    report: ReportFile = None,
) -> None:
    """Offer twice the calls that a core sustains: do those in progress keep their pace?"""
    import uvloop

    from bench import overload_report
    from bench.load_run import Cores
    from bench.overload import Plan, measure
    from bench.server_process import ServerFailed

    configure_logs("bench", "warning")
    plan = Plan(sustainable, seconds, arrive_s, max_calls, Cores(server_core, client_core))
    with failing_with("overload", ServerFailed):
        found = uvloop.run(measure(plan, lambda line: typer.echo(line, err=True)))
    give(overload_report.table(found), found, lambda: overload_report.page(found), json, report)
    raise typer.Exit(0 if found.ok else 1)


def soak(
    calls: Annotated[int, typer.Option(min=2)] = 2_000,
    seconds_each: Annotated[float, typer.Option(min=0.2)] = 5,
    at_once: Annotated[int, typer.Option(min=1)] = 50,
    json: JsonFile = None,
    report: ReportFile = None,
) -> None:
    """Place thousands of short calls: is the server's memory where it was, and nothing of them left?"""
    import uvloop

    from bench import soak_report
    from bench.server_process import ServerFailed
    from bench.soak import measure

    configure_logs("bench", "warning")
    with failing_with("soak", ServerFailed):
        found = uvloop.run(measure(calls, seconds_each, at_once, lambda n: typer.echo(f"{n} calls over", err=True)))
    give(soak_report.summary(found), found, lambda: soak_report.page(found), json, report)
    raise typer.Exit(0 if found.good else 1)


def failover(
    calls: Annotated[int, typer.Option(min=1, max=5_000)] = 200,
    at_once: Annotated[int, typer.Option(min=1, max=50)] = 16,
    seed: Annotated[int, typer.Option(help="Of who dies, how and when.")] = 1,
    json: JsonFile = None,
    report: ReportFile = None,
) -> None:
    """Kill models, voices and recognisers of a voice server in mid-call: do calls go on, every word heard once?"""
    import uvloop

    from bench.failover import run, telling
    from bench.server_process import ServerFailed

    configure_logs("bench", "error")
    with failing_with("failover", ServerFailed):
        found = uvloop.run(run.measure(calls, at_once, seed, lambda over: typer.echo(telling.line(over), err=True)))
    give(telling.summary(found), found, lambda: telling.page(found), json, report)
    raise typer.Exit(0 if found.good else 1)
