"""Voting on what models made, and the data set that comes of it (S139)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import structlog

from crm.database import utc_now
from crm.identity.tokens import Identity
from crm.unit_of_work import UnitOfWork
from crm.votes.generations import Generated, GenerationNotFound, read_generation
from crm.votes.model import Generation, Vote
from crm.votes.store import VoteStore
from crm.votes.trust import LOOKED_AT, distrusted

UP: Final = 1
DOWN: Final = -1
NOWHERE: Final = UUID(int=0)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class DataSet:
    """A page of it. `next` is where the following one begins; None behind the last."""

    lines: Sequence[dict[str, Any]]
    next: UUID | None


async def vote(
    kind: Generation, generation_id: UUID, value: int, comment: str, person: Identity, unit: UnitOfWork
) -> Vote:
    """Take a person's vote, in the place of an earlier one of theirs. Raises GenerationNotFound."""
    async with unit:
        made = await read_generation(kind, generation_id, unit)
        values = {
            "kind": kind.value,
            "generation_id": generation_id,
            "call_id": made.call_id,
            "user_id": person.user_id,
            "vote": value,
            "comment": comment,
            "prompt_hash": made.prompt_hash,
            "answer_hash": made.answer_hash,
            "model": made.model,
            "prompt_version": made.prompt_version,
        }
        saved = await VoteStore(unit).put(values)
        await unit.commit()
        return saved


async def take_back(kind: Generation, generation_id: UUID, person: Identity, unit: UnitOfWork) -> None:
    """Forget a person's vote; there was none: nothing happens."""
    async with unit:
        await VoteStore(unit).drop(kind.value, generation_id, person.user_id)
        await unit.commit()


async def export(after: UUID, limit: int, unit: UnitOfWork) -> DataSet:
    """Return the votes that count, by generation, with what was voted on as it is in its call.

    Left out are people whose votes tell nothing (see trust), and what is not there any more as it was voted on:
    erased, or written anew.
    """
    async with unit:
        store = VoteStore(unit)
        left_out = distrusted(await store.cast_since(utc_now() - LOOKED_AT))
        votes = await store.page(after, limit, sorted(left_out))
        by_generation: dict[tuple[UUID, str], list[Vote]] = {}
        for one in votes:
            by_generation.setdefault((one.generation_id, one.kind), []).append(one)
        lines = []
        for (generation_id, kind), own in by_generation.items():
            line = await _line(Generation(kind), generation_id, own, unit)
            if line is not None:
                lines.append(line)
    log.info("votes.exported", lines=len(lines), voters_left_out=len(left_out))
    last = max((generation_id for generation_id, _kind in by_generation), default=None)
    return DataSet(lines, last if len(by_generation) >= limit else None)


async def _line(
    kind: Generation, generation_id: UUID, votes: Sequence[Vote], unit: UnitOfWork
) -> dict[str, Any] | None:
    try:
        made = await read_generation(kind, generation_id, unit)
    except GenerationNotFound:
        return None
    same = [one for one in votes if _is_same(one, made)]
    if not same:
        return None
    return {
        "kind": kind.value,
        "id": str(generation_id),
        "call_id": str(made.call_id),
        "model": made.model,
        "prompt_version": made.prompt_version,
        "prompt": made.prompt,
        "answer": made.answer,
        "up": sum(one.vote == UP for one in same),
        "down": sum(one.vote == DOWN for one in same),
        "comments": [one.comment for one in same if one.comment],
    }


def _is_same(one: Vote, made: Generated) -> bool:
    return (one.prompt_hash, one.answer_hash) == (made.prompt_hash, made.answer_hash)
