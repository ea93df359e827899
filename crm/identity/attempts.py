"""Attempts to sign in, counted by mail address: in the database, so that no restart and no second process forgets them.

Addresses that nobody has are counted like all others, so that nobody can tell them apart; kept is a keyed hash.
"""

import asyncio
import hmac
from datetime import datetime
from typing import Final

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from crm.database import Sessions, utc_now
from crm.identity.lockout import FORGOTTEN_AFTER, LOCKED_FOR, Attempts, Wait, ask, failed
from crm.identity.model import SignInAttempts
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork

# A password takes a tenth of a second to look at; a crowd waits for ten seconds at most.
CROWD_WAIT_S: Final = 0.2
CROWD_ASKS: Final = 50


class SignInLater(Refusal):
    """Too many wrong passwords; whether this one was right is not told."""

    def __init__(self, wait: Wait, now: datetime) -> None:
        left_s = max(1, round((wait.until - now).total_seconds()))
        super().__init__("sign_in_locked" if wait.locked else "sign_in_later", {"retry_after_s": left_s})


class AttemptStore:
    def __init__(self, unit: UnitOfWork, email: str, key: str) -> None:
        self._session = unit.session
        self._hash = hmac.digest(key.encode(), f"attempts:{email}".encode(), "sha256").hex()

    async def lock(self) -> SignInAttempts:
        """Return the row, made when it is missing; nobody else changes it until the transaction ends."""
        put = insert(SignInAttempts).values(address_hash=self._hash, failures=0, trying=0)
        # One statement: between two the row may be forgotten by somebody whose password was right.
        same = {"address_hash": put.excluded.address_hash}
        locked = put.on_conflict_do_update(index_elements=["address_hash"], set_=same).returning(SignInAttempts)
        return (await self._session.scalars(locked, execution_options={"populate_existing": True})).one()

    async def forget(self) -> None:
        gone = delete(SignInAttempts).where(SignInAttempts.address_hash == self._hash)
        await self._session.execute(gone, execution_options=_FAST)

    async def unlock(self, until: datetime) -> bool:
        """Forget the lock that ends then; return whether it was there."""
        lock = SignInAttempts.address_hash == self._hash, SignInAttempts.locked_until == until
        gone = delete(SignInAttempts).where(*lock).returning(SignInAttempts.address_hash)
        return await self._session.scalar(gone, execution_options=_FAST) is not None


async def begin(email: str, sessions: Sessions, key: str, failures_max: int) -> None:
    """Count one more try; it is ended by `fail`, or by `AttemptStore.forget` when it went well.

    Where many sign in with one address at the same moment, as programs do, the later ones wait for the first.

    Raises:
        SignInLater
    """
    asks = 1
    while (wait := await _ask(email, sessions, key, failures_max)) is not None:
        if not wait.crowded or asks == CROWD_ASKS:
            raise SignInLater(wait, utc_now())
        asks += 1
        await asyncio.sleep(CROWD_WAIT_S)


async def _ask(email: str, sessions: Sessions, key: str, failures_max: int) -> Wait | None:
    """Count the try, if it is let in."""
    async with UnitOfWork(sessions) as unit:
        row = await AttemptStore(unit, email, key).lock()
        answer = ask(_attempts(row), utc_now(), failures_max)
        if isinstance(answer, Wait):
            return answer
        _put(row, answer)
        await unit.commit()
        return None


async def fail(unit: UnitOfWork, email: str, key: str, failures_max: int) -> datetime | None:
    """Count a wrong password, in the caller's transaction; return until when it locked, if it did."""
    row = await AttemptStore(unit, email, key).lock()
    after = failed(_attempts(row), utc_now(), failures_max)
    new = after.locked_until if after.locked_until != row.locked_until else None
    _put(row, after)
    await unit.session.flush()
    return new


async def forget_old(unit: UnitOfWork, now: datetime) -> None:
    """Forget what counts no more, in the caller's transaction: addresses are tried that nobody will try again."""
    served = SignInAttempts.locked_until.is_(None) | (SignInAttempts.locked_until < now)
    quiet = now - max(FORGOTTEN_AFTER, LOCKED_FOR)
    old = SignInAttempts.failed_at.is_(None) | (SignInAttempts.failed_at < quiet)
    still = SignInAttempts.tried_at.is_(None) | (SignInAttempts.tried_at < quiet)
    await unit.session.execute(delete(SignInAttempts).where(served, old, still), execution_options=_FAST)


def _attempts(row: SignInAttempts) -> Attempts:
    return Attempts(row.failures, row.failed_at, row.trying, row.tried_at, row.locked_until)


def _put(row: SignInAttempts, attempts: Attempts) -> None:
    row.failures, row.failed_at = attempts.failures, attempts.failed_at
    row.trying, row.tried_at = attempts.trying, attempts.tried_at
    row.locked_until = attempts.locked_until


_FAST: Final = {"synchronize_session": False}
