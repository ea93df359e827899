"""A write that is made once, however often its request comes: key, effect and answer in one transaction.

Dials are not made by this: a telephone rings outside of any transaction (see crm.calls.idempotency).
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Header, Request
from fastapi.encoders import jsonable_encoder

from crm.idempotency.keys import Attempt, KeyReused, KeyStore, StillInProgress, fingerprint_of
from crm.unit_of_work import UnitOfWork

T = TypeVar("T")

Key = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")]


async def attempt_of(request: Request, idempotency_key: Key = None) -> Attempt | None:
    """Return the client's key with what tells its request from another one; None when it gave no key."""
    if idempotency_key is None:
        return None
    body = await request.body()
    told = {"method": request.method, "path": request.url.path, "query": request.url.query, "body": body.hex()}
    return Attempt(idempotency_key, fingerprint_of(told))


Attempted = Annotated[Attempt | None, Depends(attempt_of)]


async def once(
    unit: UnitOfWork,
    attempt: Attempt | None,
    act: Callable[[UnitOfWork], Awaitable[T]],
    shown: Callable[[T], Any] = lambda made: made,
) -> Any:
    """Do `act` and return what `shown` makes of it, as JSON; an attempt that was made before gets its first answer.

    `act` gets a unit of work of its own, which is a part of this one: what it commits is kept together with the key,
    or not at all. A refusal keeps nothing, so that the request may be made again. Two requests with one key that
    come at once wait for one another.

    Raises:
        KeyReused: the key is another request's.
        Whatever `act` raises.
    """
    if attempt is None:
        return jsonable_encoder(shown(await act(unit)))
    async with unit:
        store = KeyStore(unit)
        if await store.claim(attempt):
            answer = jsonable_encoder(shown(await act(unit.part())))
            row = await store.get(attempt.key)
            assert row is not None, "claimed above, in this transaction"
            row.answer = {"answer": answer}
            await unit.commit()
            return answer
        row = await store.get(attempt.key)
        if row is None:
            # Given back just now; the client may simply ask again.
            raise StillInProgress
        if row.fingerprint != attempt.fingerprint or row.answer is None or "answer" not in row.answer:
            raise KeyReused
        return row.answer["answer"]
