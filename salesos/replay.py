"""`salesos replay`: offers a span of the event streams to the CRM again, by place, by time, or of one call."""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
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


def run_replay(settings: Settings, wish: Wish) -> int:
    """Replay and print what became of the events; return 1 when something stays unapplied, 2 for a bad time."""
    screen = Screen(to_stderr=False)
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
    try:
        moment = datetime.fromisoformat(told)
    except ValueError:
        raise BadTime(f"{told!r} is neither a time (2026-11-22T10:00) nor an entry (1763805600000-0).") from None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    ms = int(moment.timestamp() * 1_000)
    if ms < 1:
        raise BadTime(f"{told!r} is before there were events.")
    return f"{ms - 1}-{10**15 - 1}" if before else str(ms)


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
