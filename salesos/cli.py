"""The command `salesos`: reads settings, sets up logs, and calls the one thing that was asked for.

Every part is imported when its command runs, so that `salesos voice` does not wait for the CRM's libraries.
"""

import importlib
import os
import sys
import traceback
from collections.abc import Callable
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated, Final, NoReturn
from uuid import UUID

import structlog
import typer

from config.logs import configure_logs
from config.settings import BadSettings, Settings, read_settings
from salesos import parent_watch

EXIT_FAULT: Final = 1
EXIT_BAD_SETTINGS: Final = 2
FRAMES_LOGGED: Final = 8

app = typer.Typer(
    help="Sales OS: a voice agent that makes sales calls, with its CRM.",
    no_args_is_help=True,
    add_completion=False,
    # A traceback with the values of locals would print secrets.
    pretty_exceptions_enable=False,
)


@app.command()
def up(
    demo: Annotated[bool, typer.Option("--demo", help="Place one demonstration call, then stay up.")] = False,
    once: Annotated[bool, typer.Option("--once", help="Place one demonstration call, then end.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start with an empty data folder.")] = False,
) -> None:
    """Start the whole system on this machine."""
    from salesos.up import run_up

    raise SystemExit(run_up(_settings(), demo=demo, once=once, fresh=fresh))


@app.command()
def voice() -> None:
    """Run the voice process: carrier webhooks, streams, calls."""
    _run_process("voice", "telephony.app")


@app.command()
def crm() -> None:
    """Run the CRM: API, page, events from calls."""
    _run_process("crm", "crm.app")


@app.command()
def worker() -> None:
    """Run the worker: jobs and schedules."""
    _run_process("worker", "crm.worker")


@app.command()
def carrier() -> None:
    """Run the carrier in a box, for development and tests."""
    _run_process("carrier", "telephony.carrier.app")


@app.command()
def call(
    persona: Annotated[str, typer.Option(help="Who answers at the carrier in a box (config/personas/).")] = "",
    caller_wav: Annotated[
        Path | None, typer.Option(help="A recording that the caller speaks.", exists=True, dir_okay=False)
    ] = None,
    lead: Annotated[str, typer.Option(help="Call this lead (its id).")] = "",
    to: Annotated[str, typer.Option(help="Call this number (E.164); a lead is made when there is none.")] = "",
    agent: Annotated[str, typer.Option(help="Who calls: an agent's name or id; none: the first.")] = "",
    incoming: Annotated[
        bool, typer.Option("--incoming", help="Be called: a persona rings our number, or --to.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Place one call, show it live, and sum it up."""
    from salesos.call import Request, run_call

    request = Request(persona=persona, caller_wav=caller_wav, lead=lead, to=to, agent=agent, incoming=incoming)
    raise SystemExit(run_call(_settings(), request, as_json=json))


@app.command()
def doctor(
    carrier: Annotated[bool, typer.Option("--carrier", help="Check the real carrier's account as well.")] = False,
) -> None:
    """Check this machine and say what to do about each fault."""
    from salesos.doctor import run_doctor

    raise SystemExit(run_doctor(_settings(), carrier=carrier))


@app.command(
    "bench",
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def measure(context: typer.Context) -> None:
    """Measure: `salesos bench --help` lists what."""
    from salesos.measure import run_bench

    run_bench(context.args)


@app.command()
def sim(
    calls: Annotated[int, typer.Option(min=1, max=100_000, help="How many calls to simulate.")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="Of the run: equal seeds give equal calls.")] = 1,
    replay: Annotated[
        int | None, typer.Option(min=0, help="Run the one call of this seed, as a run named it, and tell its story.")
    ] = None,
    persona: Annotated[str, typer.Option(help="Only these, such as eager,interrupter.")] = "",
    fault: Annotated[str, typer.Option(help="Only these, such as stt_fails; `none` for calls without faults.")] = "",
    jobs: Annotated[int, typer.Option(min=0, help="Processes; 0: one for each core.")] = 0,
    json: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
) -> None:
    """Simulate whole calls in virtual time and check what must hold in every one."""
    from bench.sim import command

    if replay is not None:
        raise SystemExit(command.replay(replay, persona, fault))
    raise SystemExit(command.run(calls, seed, persona, fault, jobs or os.cpu_count() or 1, json))


@app.command()
def usage(
    days: Annotated[int, typer.Option(min=1, max=366, help="How far back.")] = 7,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON list and nothing else.")] = False,
) -> None:
    """Compare the tokens that were counted with what the vendors report; status 1 when a day differs."""
    from salesos.usage import run_usage

    raise SystemExit(run_usage(_settings(), days, as_json=json))


@app.command()
def jobs(
    retry: Annotated[int | None, typer.Option(min=1, help="Have this one tried again.")] = None,
    retry_all: Annotated[bool, typer.Option("--retry-all", help="Have those that are listed tried again.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON list and nothing else.")] = False,
) -> None:
    """List the jobs that failed for good, and have them tried again."""
    from salesos.dead_jobs import run_jobs

    raise SystemExit(run_jobs(_settings(), retry, retry_all=retry_all, as_json=json))


@app.command()
def events(
    call: Annotated[UUID | None, typer.Option(help="Of this call only.")] = None,
    retry: Annotated[UUID | None, typer.Option(help="Apply this one now.")] = None,
    retry_all: Annotated[bool, typer.Option("--retry-all", help="Apply all listed, oldest first.")] = False,
    discard: Annotated[UUID | None, typer.Option(help="Give this one up: it is deleted.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON list and nothing else.")] = False,
) -> None:
    """List the events of calls that could not be applied; have them tried again, or give them up."""
    from salesos.dead_events import Wish, run_events

    wish = Wish(call=call, retry=retry, retry_all=retry_all, discard=discard)
    raise SystemExit(run_events(_settings(), wish, as_json=json))


@app.command()
def replay(
    stream: Annotated[int | None, typer.Option(min=0, max=15, help="Of this stream; none: of all.")] = None,
    since: Annotated[
        str, typer.Option("--since", "--from", help="A moment (2026-11-22T10:00, UTC), or the entry before.")
    ] = "",
    until: Annotated[str, typer.Option("--until", "--to", help="A moment, or the last entry.")] = "",
    call: Annotated[UUID | None, typer.Option(help="Of this call only, what could not be applied included.")] = None,
    organisation: Annotated[
        UUID | None, typer.Option(help="Make what follows from its stored events anew, of whatever time.")
    ] = None,
    calls_decide: Annotated[
        bool, typer.Option("--calls-decide", help="Put leads where their calls say, over what people changed since.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would change, and change nothing.")] = False,
) -> None:
    """Offer events of calls that Redis still has to the CRM again: what it missed is applied, and nothing twice.

    With --organisation: make calls, transcripts and leads anew from the events that the database keeps.
    """
    from salesos.replay import Wish, run_replay

    wish = Wish(stream, since, until, call, organisation, calls_decide=calls_decide, dry_run=dry_run)
    raise SystemExit(run_replay(_settings(), wish))


@app.command("credits")
def purse(
    organisation: Annotated[str, typer.Argument(help="Its id, as GET /api/organisation tells it.")],
    add: Annotated[str, typer.Option(help="Put in so many credits; takes --reference.")] = "",
    reference: Annotated[str, typer.Option(help="Such as an invoice's number: each is booked once.")] = "",
    refund: Annotated[str, typer.Option(help="Give back what this call (its id) was charged.")] = "",
    amount: Annotated[str, typer.Option(help="So many credits of it; none: all that is left.")] = "",
    reason: Annotated[str, typer.Option(help="Why it is given back.")] = "",
    plan: Annotated[str, typer.Option(help="Let it have this plan of config/plans.yaml, at once.")] = "",
    price: Annotated[str, typer.Option(help="A price of its own: voice_minute=8, or voice_minute=plan for none.")] = "",
    since: Annotated[str, typer.Option(help="When that price begins, such as 2027-01-01T00:00:00Z; none: now.")] = "",
) -> None:
    """Show an organisation's balances, put credits in or give some back, change its plan or a price."""
    from salesos.purse import Wish, run_credits

    back = {"refund": refund, "amount": amount, "reason": reason}
    wish = Wish(organisation, add=add, reference=reference, **back, plan=plan, price=price, since=since)
    raise SystemExit(run_credits(_settings(), wish))


organisations = typer.Typer(help="Found organisations, and list them.", no_args_is_help=True)
app.add_typer(organisations, name="organisation")


@organisations.command("create")
def found(
    name: Annotated[str, typer.Argument(help="What it is called.")],
    admin: Annotated[str, typer.Option(help="The mail address of its first admin.")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Found an organisation, and print the link by which its first admin comes in and sets a password."""
    from salesos.organisations import run_create

    raise SystemExit(run_create(_settings(), name, admin, as_json=json))


@organisations.command("list")
def list_organisations(
    json: Annotated[bool, typer.Option("--json", help="Print one JSON list and nothing else.")] = False,
) -> None:
    """List all organisations with their ids, which other commands take."""
    from salesos.organisations import run_list

    raise SystemExit(run_list(_settings(), as_json=json))


@app.command()
def ledger(
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Replay every organisation's ledger; status 1 when a balance is not what its entries come to."""
    from salesos.ledgers import run_ledgers

    raise SystemExit(run_ledgers(_settings(), as_json=json))


@app.command()
def migrate() -> None:
    """Bring the database's schema up to date (needs SALESOS_DATABASE_OWNER_URL)."""
    settings = _settings()
    from salesos.system import role_of

    try:
        owner_url, app_role = settings.need("database_owner_url"), role_of(settings.need("database_url"))
    except BadSettings as error:
        _refuse(error)
    importlib.import_module("crm.migrate").migrate(owner_url, app_role)
    typer.echo("The schema is up to date.")


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(f"salesos {installed_version('salesos')} (Python {sys.version.split()[0]})")


def _settings() -> Settings:
    try:
        return read_settings()
    except BadSettings as error:
        _refuse(error)


def _refuse(error: BadSettings) -> NoReturn:
    for fault in error.faults:
        typer.echo(f"salesos: {fault}", err=True)
    raise typer.Exit(EXIT_BAD_SETTINGS) from None


def _run_process(name: str, module: str) -> None:
    """Run a process entry until it ends; a fault that nobody handled becomes one log line."""
    settings = _settings()
    configure_logs(name, settings.log_level)
    parent_watch.start()
    run: Callable[[Settings], None] = importlib.import_module(module).run
    try:
        run(settings)
    except BadSettings as error:
        _refuse(error)
    except KeyboardInterrupt:
        return
    except Exception as error:  # noqa: BLE001 - the one place of a process entry
        # The text and the values of a fault may hold numbers or secrets; where it happened does not.
        frames = traceback.extract_tb(error.__traceback__)[-FRAMES_LOGGED:]
        where = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        fields = {"cause": type(error).__name__, "where": where, "pii.detail": str(error)}
        structlog.get_logger().critical("process.failed", **fields)
        raise SystemExit(EXIT_FAULT) from None
