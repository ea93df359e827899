"""A client's Idempotency-Key for a dial: the same request made again gets the same answer and dials nobody twice."""

import asyncio
from typing import Any, Final
from uuid import UUID

from crm.calls.model import QUEUED
from crm.calls.nodes import REPLY_TIMEOUT_S
from crm.calls.store import CallStore
from crm.database import Sessions
from crm.idempotency.keys import Attempt, KeyReused, KeyStore, StillInProgress
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork

# The first request has its answer by then, but for the time of a few transactions.
WAIT_S: Final = REPLY_TIMEOUT_S + 2.0
POLL_S: Final = 0.1


async def remember(
    sessions: Sessions, org_id: UUID, attempt: Attempt | None, answer: Refusal | dict[str, Any] | None
) -> None:
    """Keep the answer under the key; None forgets the key, so that the attempt may be made again."""
    if attempt is None:
        return
    async with UnitOfWork(sessions, org_id) as unit:
        store = KeyStore(unit)
        if answer is None:
            await store.release(attempt.key)
        else:
            await write_answer(store, attempt, answer)
        await unit.commit()


async def write_answer(store: KeyStore, attempt: Attempt, answer: Refusal | dict[str, Any]) -> None:
    """Keep the answer under the key, in the caller's transaction."""
    row = await store.get(attempt.key)
    if row is not None:
        row.answer = _refusal_record(answer) if isinstance(answer, Refusal) else answer


async def replay(sessions: Sessions, org_id: UUID, attempt: Attempt) -> dict[str, Any]:
    """Return the answer that the first request with this key got.

    Raises:
        KeyReused: that request was another one.
        StillInProgress: it has not decided.
        Refusal: the one it got.
    """
    deadline = asyncio.get_running_loop().time() + WAIT_S
    while True:
        async with UnitOfWork(sessions, org_id) as unit:
            row = await KeyStore(unit).get(attempt.key)
            if row is None:
                # The first request came to nothing in between; the client may simply ask again.
                raise StillInProgress
            if row.fingerprint != attempt.fingerprint:
                raise KeyReused
            answer, call_id = row.answer, row.call_id
            call = await CallStore(unit).get(call_id) if call_id is not None else None
        if answer is not None:
            if "refused" in answer:
                raise Refusal(answer["refused"], answer["details"])
            return answer
        if asyncio.get_running_loop().time() >= deadline:
            break
        await asyncio.sleep(POLL_S)
    if call is None:
        raise StillInProgress
    # Its process died between the command and the answer: what the call itself says is the best answer.
    return {
        "call_id": str(call.id),
        "lead_id": str(call.lead_id),
        "state": call.state,
        "confirmed": call.state != QUEUED,
    }


def _refusal_record(refusal: Refusal) -> dict[str, Any]:
    return {"refused": refusal.code, "details": dict(refusal.details)}
