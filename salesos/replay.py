"""`salesos replay`: offers a span of the event streams to the CRM again, by place, by time, or of one call.

With an organisation: has the CRM make what follows from its stored events anew (see crm.recovery.rebuild).
"""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from config.settings import Settings
from events import wire
from salesos.api import ApiRefused, ApiUnreachable
from salesos.dead_events import newest, retry_each
from salesos.operator import Asks, operator
from salesos.screen import Screen

_ENTRY: Final = re.compile(r"[0-9]{1,15}-[0-9]{1,15}")


class BadTime(Exception):
    """It is neither a moment nor an entry's id."""


@dataclass(frozen=True, slots=True)
class Wish:
    """The command's arguments."""

    stream: int | None = None
    since: str = ""
    until: str = ""
    call: UUID | None = None
    organisation: UUID | None = None
    calls_decide: bool = False
    dry_run: bool = False


def run_replay(settings: Settings, wish: Wish) -> int:
    """Replay and print what became of the events; return 1 when something stays unapplied, 2 for a bad time."""
    screen = Screen(to_stderr=False)
    if wish.organisation is not None:
        return _run_rebuild(settings, wish, wish.organisation, screen)
    if wish.dry_run or wish.calls_decide:
        screen.fail("--dry-run and --calls-decide go with --organisation only.")
        return 2
    try:
        after, until = place_of(wish.since, before=True) or "0-0", place_of(wish.until, before=False) or "+"
        with operator(settings) as ask:
            stay = 0
            if wish.call is not None:
                letters = newest(ask, wish.call)
                stay = retry_each(ask, [letter["id"] for letter in reversed(letters)], screen)
            done: Counter[str] = Counter()
            for stream in _streams(wish):
                done += _replay(ask, stream, after, until, wish.call)
    except BadTime as fault:
        screen.fail(str(fault))
        return 2
    except (ApiRefused, ApiUnreachable) as error:
        screen.fail(str(error))
        return 1
    screen.say(", ".join(f"{count} {name}" for name, count in sorted(done.items())) or "Redis has no such events.")
    return 1 if stay or done["buried"] else 0


def place_of(told: str, *, before: bool) -> str:
    """Return the entry id that a moment or an id stands for; empty for none.

    Args:
        before: the last id before that moment instead of the last one in it.

    Raises:
        BadTime
    """
    if not told or _ENTRY.fullmatch(told):
        return told
    moment = _moment(told, "neither a time (2026-11-22T10:00) nor an entry (1763805600000-0)")
    ms = int(moment.timestamp() * 1_000)
    if ms < 1:
        raise BadTime(f"{told!r} is before there were events.")
    return f"{ms - 1}-{10**15 - 1}" if before else str(ms)


def _moment(told: str, fault: str) -> datetime:
    try:
        moment = datetime.fromisoformat(told)
    except ValueError:
        raise BadTime(f"{told!r} is {fault}.") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _run_rebuild(settings: Settings, wish: Wish, organisation: UUID, screen: Screen) -> int:
    """Have an organisation's calls rebuilt part by part; return 1 where some stay as they are, 2 for a bad wish."""
    body: dict[str, Any] = {"calls_decide": wish.calls_decide, "dry_run": wish.dry_run}
    totals: Counter[str] = Counter()
    changed: Counter[str] = Counter()
    try:
        if wish.stream is not None:
            raise BadTime("--stream goes with what Redis has: leave it out with --organisation")
        for name, told in (("from", wish.since), ("until", wish.until)):
            if told:
                body[name] = _moment(told, "no time, such as 2026-11-22T10:00").isoformat()
        if wish.call is not None:
            body["call_id"] = str(wish.call)
        with operator(settings) as ask:
            while True:
                part = ask("POST", f"/internal/organisations/{organisation}/events/rebuild", "rebuilding calls", body)
                changed.update(part.pop("changed"))
                body["after"] = part.pop("next")
                totals.update(part)
                if body["after"] is None:
                    break
                screen.say(f"{totals['calls']} calls looked at, {totals['calls_changed']} changed …")
    except BadTime as fault:
        screen.fail(str(fault))
        return 2
    except (ApiRefused, ApiUnreachable) as error:
        screen.fail(str(error))
        return 1
    _tell_rebuilt(wish, totals, changed, screen)
    return 1 if totals["missing"] or totals["untouched"] else 0


def _tell_rebuilt(wish: Wish, totals: Counter[str], changed: Counter[str], screen: Screen) -> None:
    would = "would change" if wish.dry_run else "changed"
    rows = ", ".join(f"{count} {part}" for part, count in sorted(changed.items())) or "nothing"
    screen.say(f"{totals['calls']} calls looked at, {totals['calls_changed']} {would}: {rows}.")
    if totals["leads_left"]:
        screen.say(
            f"{totals['leads_left']} leads stand elsewhere than their calls say, because somebody changed them since:"
            " --calls-decide puts them where the calls say."
        )
    if totals["missing"]:
        screen.fail(f"{totals['missing']} events never were applied: look at `salesos events`, then rebuild again.")
    if totals["untouched"]:
        screen.fail(f"{totals['untouched']} calls stay as they are: the CRM's log says why (call.not_rebuilt).")


def _streams(wish: Wish) -> list[str]:
    if wish.call is not None:
        return [wire.event_stream(wish.call)]
    every = wire.all_event_streams()
    return list(every) if wish.stream is None else [every[wish.stream]]


def _replay(ask: Asks, stream: str, after: str, until: str, call: UUID | None) -> Counter[str]:
    done: Counter[str] = Counter()
    following: str | None = after
    while following is not None:
        span = {"stream": stream, "after": following, "until": until, "call_id": str(call) if call else None}
        part = ask("POST", "/internal/events/replay", f"replaying {stream}", span)
        done.update(part["done"])
        following = part["next"]
    return done
