"""An answer as Server-Sent Events (WHATWG HTML, 9.2): numbered, so that a reader can go on behind any."""

from collections.abc import AsyncGenerator
from typing import Final

import structlog

from crm.bus import REDIS_AWAY
from crm.chat.answer_log import LAST, AnswerLog, Entry, Kind

BLOCK_MS: Final = 2_000
RETRY_MS: Final = 1_000  # after which a browser comes back by itself
WAITING: Final = b": waiting\n\n"  # a comment: keeps proxies from closing a quiet stream

log = structlog.get_logger()


async def events(written: AnswerLog, after: int) -> AsyncGenerator[bytes]:
    """Yield what follows entry `after`, to the answer's last; a reader who cannot get that is told to ask again."""
    yield f"retry: {RETRY_MS}\n\n".encode()
    while True:
        try:
            # In this order: what was written between the two questions is found by the next reading.
            being_made = await written.is_being_made()
            entries = await written.read(after, BLOCK_MS if being_made else 1)
        except REDIS_AWAY as error:
            log.warning("chat.reading_failed", reason=type(error).__name__)
            yield as_event(Entry(0, Kind.RESTART, '{"reason":"redis_away"}'))
            return
        for entry in entries:
            yield as_event(entry)
            after = entry.number
            if entry.kind in LAST:
                return
        if not entries and not being_made:
            yield as_event(Entry(0, Kind.RESTART, '{"reason":"maker_gone"}'))
            return
        if not entries:
            yield WAITING


def as_event(entry: Entry) -> bytes:
    """Return its bytes. An entry without a number gets no id: whoever reads on goes on after the last that has one."""
    number = f"id: {entry.number}\n" if entry.number else ""
    return f"{number}event: {entry.kind}\ndata: {entry.data}\n\n".encode()
