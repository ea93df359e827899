"""`salesos call`: one call through the running system, or through one started for the occasion."""

import json
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from config.settings import Settings
from salesos import call_view, fictional, starting
from salesos import summary as summary_module
from salesos.api import FIRST_EVENT, Api, ApiRefused, ApiUnreachable
from salesos.call_view import CallView
from salesos.data_folder import Running, is_claimed, read_running
from salesos.screen import Screen
from salesos.stopping import StopFlag, Stopped
from salesos.system import System

POLL_S: Final = 0.2
# The longest time in which a healthy call tells nothing: ringing, or one side talking on and on.
QUIET_TIMEOUT_S: Final = 120.0
NOTES_WAIT_S: Final = 5.0
READY_TIMEOUT_S: Final = 60.0
NUMBER_ATTEMPTS: Final = 5
DEFAULT_PERSONA: Final = "eager"
WAV_PERSONA: Final = "caller_wav"
CALLER_PERSONA: Final = "calls_back"  # who rings us
RUNG_WAIT_S: Final = 20.0  # longer than a carrier waits to be told what to do

Pause = Callable[[float], None]


class CallFailed(Exception):
    """The call could not be placed or followed; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Request:
    """Whom to call; at most one of persona or recording, lead, and number."""

    persona: str = ""
    caller_wav: Path | None = None
    lead: str = ""
    to: str = ""
    agent: str = ""  # its name or id; empty: the organisation's first
    incoming: bool = False  # somebody calls us: `to` is a number of ours, empty the operator's own

    def fault(self, *, box: bool) -> str:
        """Return why this cannot be done; empty when it can."""
        if self.incoming and (self.lead or self.agent or not box):
            return "--incoming has a persona of the carrier in a box call a number of ours: no --lead and no --agent"
        if self.lead and self.to:
            return "--lead and --to exclude each other"
        if (self.persona or self.caller_wav) and not box:
            return "--persona and --caller-wav need the carrier in a box, and SALESOS_CARRIER_URL names another one"
        if self.lead and (self.persona or self.caller_wav):
            return "--lead calls the lead's own number: give --to or nothing beside --persona or --caller-wav"
        if not box and not (self.lead or self.to):
            return "say whom to call with --lead or --to: the carrier is a real one"
        return ""


def run_call(settings: Settings, request: Request, *, as_json: bool) -> int:
    """Place a call, print it, and return the exit status: 0 when it is over and its summary is whole."""
    screen = Screen(to_stderr=as_json)
    fault = request.fault(box=settings.uses_box_carrier)
    if fault:
        return _fail(screen, "bad_request", fault, as_json=as_json)
    try:
        running = _find_running(settings)
        if running is not None:
            summary = place_and_follow(running, request, screen, time.sleep)
        else:
            summary = _in_own_system(settings, request, screen)
    except ApiRefused as error:
        return _fail(screen, error.code, str(error), as_json=as_json)
    except (CallFailed, ApiUnreachable, fictional.NumbersExhausted, *starting.FAULTS) as error:
        return _fail(screen, "failed", str(error), as_json=as_json)
    except (Stopped, KeyboardInterrupt):
        return _fail(screen, "stopped", "stopped before the call was over", as_json=as_json)
    if as_json:
        sys.stdout.write(json.dumps(summary) + "\n")
    faults = summary_module.faults(summary)
    for fault in faults:
        screen.fail(f"the summary is not whole: {fault}")
    return 1 if faults else 0


def place_and_follow(running: Running, request: Request, screen: Screen, pause: Pause) -> dict[str, Any]:
    """Place the call, show it until nothing more follows, and return its summary.

    Raises:
        ApiRefused, ApiUnreachable, CallFailed, NumbersExhausted
    """
    with Api(running.crm, running.carrier) as api:
        api.sign_in(running.email, running.password)
        if request.incoming:
            call_id = _rung(api, request, pause)
        else:
            call_id = str(api.place_call(_target(api, request) | _agent(api, request))["call_id"])
        screen.note(f"call {call_id}")
        _follow(api, call_id, CallView(screen), pause)
        summary = _with_notes(api, call_id, pause)
    call_view.show_summary(screen, summary, call_view.page_of(running.crm, call_id))
    return summary


def _follow(api: Api, call_id: str, view: CallView, pause: Pause) -> None:
    """Show events as they arrive, until the last one."""
    mark = FIRST_EVENT
    heard_of_at = time.monotonic()
    while True:
        page = api.events(call_id, mark)
        for event in page.events:
            heard_of_at = time.monotonic()
            view.show(str(event["kind"]), event["body"])
        # Closed and nothing new: an event that came together with the last one has been shown too.
        if page.closed and page.next_mark == mark:
            return
        mark = page.next_mark
        if time.monotonic() - heard_of_at > QUIET_TIMEOUT_S:
            raise CallFailed(
                f"call {call_id}: nothing was heard of it for {QUIET_TIMEOUT_S:.0f} s: "
                "is the voice process up (salesos doctor)? Its log is in the data folder, logs/voice.log"
            )
        pause(POLL_S)


def _with_notes(api: Api, call_id: str, pause: Pause) -> dict[str, Any]:
    """Return the summary; the worker writes the call's notes when it is over, which is worth a moment."""
    deadline = time.monotonic() + NOTES_WAIT_S
    while True:
        summary = api.call(call_id)
        notes = summary.get("notes")
        if not notes or notes["status"] != "pending" or notes["attempts"] or time.monotonic() > deadline:
            return summary
        pause(POLL_S)


def _rung(api: Api, request: Request, pause: Pause) -> str:
    """Have a persona ring us; return the call's id when the CRM knows of it."""
    number = fictional.pick(api.used_numbers(), random.SystemRandom())
    persona = request.persona or (WAV_PERSONA if request.caller_wav else CALLER_PERSONA)
    api.box.ring(number, request.to, persona, request.caller_wav)
    deadline = time.monotonic() + RUNG_WAIT_S
    while time.monotonic() < deadline:
        for call in api.newest_calls():
            if call["number"] == number and call["direction"] == "inbound":
                return str(call["call_id"])
        pause(POLL_S)
    raise CallFailed(
        f"the call from {number} was not taken: has the organisation the number that it called "
        "(GET /api/phone-numbers), and credits? The voice process says why: "
        "in the data folder, logs/voice.log (incoming.declined)"
    )


def _agent(api: Api, request: Request) -> dict[str, str]:
    if not request.agent:
        return {}
    agent_id = api.find_agent(request.agent)
    if agent_id is None:
        raise CallFailed(
            f"there is no active agent {request.agent!r}: make one with POST /api/agents, or leave --agent out"
        )
    return {"agent_id": agent_id}


def _target(api: Api, request: Request) -> dict[str, str]:
    """Return whom the CRM is asked to call; a persona gets a number and a lead of its own."""
    if request.lead:
        return {"lead_id": request.lead}
    persona = request.persona or (WAV_PERSONA if request.caller_wav else "")
    if request.to:
        if persona:
            api.box.assign_line(request.to, persona, request.caller_wav)
        return {"to": request.to}
    return {"lead_id": _make_lead(api, persona or DEFAULT_PERSONA, request.caller_wav)}


def _make_lead(api: Api, persona: str, wav_path: Path | None) -> str:
    used = api.used_numbers()
    for attempt in range(NUMBER_ATTEMPTS):
        number = fictional.pick(used, random.SystemRandom())
        try:
            lead_id = api.create_lead(f"{persona.replace('_', ' ').title()} Example", number)
        except ApiRefused:
            # Another call took the number in this moment.
            if attempt == NUMBER_ATTEMPTS - 1:
                raise
            used.add(number)
            continue
        api.box.assign_line(number, persona, wav_path)
        return lead_id
    raise CallFailed("no telephone number could be had for the persona")


def _find_running(settings: Settings) -> Running | None:
    """Return the running system of this data folder, once it is ready; None when there is none."""
    path = settings.data_dir.absolute()
    deadline = time.monotonic() + READY_TIMEOUT_S
    while is_claimed(path):
        running = read_running(path)
        if running is not None and running.ready:
            return running
        if time.monotonic() > deadline:
            raise CallFailed(f"the Sales OS in {path} does not become ready: look at its terminal, or at {path}/logs")
        time.sleep(POLL_S)
    return None


def _in_own_system(settings: Settings, request: Request, screen: Screen) -> dict[str, Any]:
    screen.note("no Sales OS is running here: starting one for this call")
    stop_flag = StopFlag()
    stop_flag.listen()
    system = System(settings, screen, stop_flag)
    try:
        running = system.start()
        return place_and_follow(running, request, screen, system.pause)
    finally:
        system.stop()


def _fail(screen: Screen, code: str, message: str, *, as_json: bool) -> int:
    screen.fail(message)
    if as_json:
        sys.stdout.write(json.dumps({"error": {"code": code, "message": message}}) + "\n")
    return 1
