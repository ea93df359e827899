"""An import's file on its way to the batches, in a thread: it takes far more computing than an event loop gives."""

import asyncio
from collections.abc import Iterator
from typing import Final

from crm.imports.batches import Batch
from crm.imports.csv_rows import BadFile, Form, Place, RowReader
from crm.imports.files import STORE_AWAY
from crm.imports.model import Import

# What a batch may wait for the store; the store's client gives up sooner.
BATCH_S: Final = 120.0

Coming = Batch | BadFile | OSError | Exception | None


def form_of(held: Import) -> Form:
    return Form(held.form["encoding"], held.form["delimiter"], held.form["newline"])


def reader_of(held: Import, pieces: Iterator[bytes], place: Place) -> RowReader:
    """Return a reader of the rows behind the header; `place` is where the pieces begin."""
    reader = RowReader(pieces, form_of(held), place)
    if held.form["has_header"] and place.rows == 0:
        next(iter(reader), None)
    return reader


async def following(found: Iterator[Batch]) -> Coming:
    """Return the next batch, None behind the last one, or what there is instead; raises nothing of the file's."""
    async with asyncio.timeout(BATCH_S):
        return await asyncio.to_thread(_next, found)


def _next(found: Iterator[Batch]) -> Coming:
    try:
        return next(found, None)
    except BadFile as fault:
        return fault
    except STORE_AWAY as error:
        return error
