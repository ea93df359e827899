"""`salesos up`: the whole system on this machine until it is told to stop, with or without a demonstration call."""

from typing import Final

from config.settings import BadSettings, Settings
from salesos import call as call_module
from salesos import fictional, starting
from salesos import summary as summary_module
from salesos.api import ApiRefused, ApiUnreachable
from salesos.data_folder import Running
from salesos.screen import Screen
from salesos.stopping import StopFlag, Stopped
from salesos.system import System

EXIT_FAULT: Final = 1
EXIT_REFUSED: Final = 2
IDLE_S: Final = 3600.0
CALL_FAULTS: Final = (ApiRefused, ApiUnreachable, call_module.CallFailed, fictional.NumbersExhausted)


def run_up(settings: Settings, *, demo: bool, once: bool, fresh: bool) -> int:
    """Start, stay, stop; return the exit status."""
    screen = Screen()
    if (demo or once) and not settings.uses_box_carrier:
        screen.fail(
            "--demo and --once call a simulated prospect, and SALESOS_CARRIER_URL names a real carrier: "
            "unset it, or place a real call with `salesos call --to NUMBER`"
        )
        return EXIT_REFUSED
    stop_flag = StopFlag()
    stop_flag.listen()
    system = System(settings, screen, stop_flag)
    try:
        running = system.start(fresh=fresh)
        show_addresses(screen, settings, running)
        good = _demonstrate(system, running, screen) if demo or once else True
        if not once:
            screen.say("Everything is running. Ctrl-C stops it.")
            while True:
                system.pause(IDLE_S)
    except Stopped:
        return 0
    except BadSettings as error:
        for fault in error.faults:
            screen.fail(fault)
        return EXIT_REFUSED
    except starting.FAULTS as error:
        screen.fail(str(error))
        return EXIT_FAULT
    finally:
        system.stop()
        screen.note("stopped")
    return 0 if good else EXIT_FAULT


def show_addresses(screen: Screen, settings: Settings, running: Running) -> None:
    """Print the one table of what is where."""
    rows = [
        ("page and API", running.crm),
        ("sign-in", f"{running.email}  password: {running.password}"),
        ("voice", running.voice),
        ("carrier in a box", running.carrier) if running.carrier else ("carrier", settings.carrier_address),
        ("data", str(settings.data_dir.absolute())),
        ("logs", str(settings.data_dir.absolute() / "logs")),
    ]
    screen.table("Sales OS", ("what", "where"), rows)


def _demonstrate(system: System, running: Running, screen: Screen) -> bool:
    """Place the demonstration call; a call that goes wrong does not end the system."""
    screen.say("A demonstration call: the agent sells to a simulated prospect.")
    request = call_module.Request(persona=call_module.DEFAULT_PERSONA)
    try:
        summary = call_module.place_and_follow(running, request, screen, system.pause)
    except CALL_FAULTS as error:
        screen.fail(f"the demonstration call failed: {error}")
        return False
    faults = summary_module.faults(summary)
    for fault in faults:
        screen.fail(f"the summary is not whole: {fault}")
    if not summary_module.goal_reached(summary):
        screen.fail(f"the demonstration call did not reach its goal: {summary['outcome']}")
        return False
    if not faults:
        screen.good("The demonstration call went well: read it and listen to it on the page above.")
    return not faults
