"""Books postings that stand alone, many in one trip: group commit, for the wallet that many want to change at once.

A posting that belongs to something else (a call's reservation, its meter) is made in that thing's transaction by
crm.billing.ledger. One that stands alone waits here for as long as the batch before it takes, a millisecond or two,
and is booked with all that came meanwhile: one statement, one commit, and a hot wallet is locked once for all of them.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Self
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from crm.background import beside
from crm.billing.gathering import Batch, Gathering, GatheringFull
from crm.billing.ledger import NoCredit, amounts
from crm.billing.model import AccountKind
from crm.refusals import Refusal

WAITING_MAX: Final = 4_096
BATCH_MAX: Final = 128
# One books while another's commit is on its way to the disk; more would only share out the same processor.
CLERKS: Final = 4
# Acquiring a connection (30 s) and one statement (10 s).
BOOK_TIMEOUT_S: Final = 41.0

_POST_ALL: Final = text(
    "SELECT ledger_post_all(CAST(:orgs AS uuid[]), CAST(:kinds AS text[]), CAST(:references AS text[]),"
    " CAST(:calls AS uuid[]), CAST(:moves AS bigint[]))"
)
_LOCK_TIMEOUT: Final = "55P03"  # lock_not_available: somebody has held this wallet for seconds

log = structlog.get_logger()


class LedgerBusy(Refusal):
    """Too many postings wait; nothing was booked."""

    def __init__(self) -> None:
        super().__init__("ledger_busy")


@dataclass(frozen=True, slots=True)
class Posting:
    """One transaction of the ledger; `reference` is the organisation's own and makes a repeat harmless."""

    kind: str
    reference: str
    moves: Mapping[AccountKind, int]
    call_id: UUID | None = None

    def __post_init__(self) -> None:
        assert sum(self.moves.values()) == 0, "a posting sums to zero"
        assert self.moves.get(AccountKind.WALLET), "what moves no wallet has nothing to wait for: use Ledger"


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    posting: Posting
    # Whether it was booked now; or why not.
    verdict: asyncio.Future[bool]


class PostingDesk:
    """`async with PostingDesk.running(engine) as desk`; what still waits when it is left is refused."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._gathering: Gathering[_Waiting] = Gathering(WAITING_MAX, BATCH_MAX)
        self._something = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def running(cls, engine: AsyncEngine) -> AsyncGenerator[Self]:
        desk = cls(engine)
        async with beside(desk._work(), "billing.post"):
            try:
                yield desk
            finally:
                for left in desk._gathering.drop_all():
                    _refuse(left, LedgerBusy())

    async def post(self, org_id: UUID, posting: Posting) -> bool:
        """Book it; False when its reference was booked before, and nothing is booked twice.

        A caller that is cancelled, or gets a SQLAlchemyError, does not know: asking again with the same reference is
        right then.

        Raises:
            NoCredit: the wallet does not pay for it.
            LedgerBusy
            sqlalchemy.exc.SQLAlchemyError, OSError, TimeoutError: the database is away.
        """
        waiting = _Waiting(posting, asyncio.get_running_loop().create_future())
        try:
            self._gathering.add(org_id, waiting)
        except GatheringFull:
            raise LedgerBusy from None
        self._something.set()
        return await waiting.verdict

    async def _work(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for number in range(CLERKS):
                tasks.create_task(self._book_for_ever(), name=f"billing.clerk.{number}")

    async def _book_for_ever(self) -> None:
        while True:
            while not self._gathering.is_ready:
                self._something.clear()
                await self._something.wait()
            batch = self._gathering.take()
            try:
                await self._book(batch)
            except BaseException:
                # Stopped in the middle: nobody is left waiting for a word that never comes.
                for _, waiting in batch.items:
                    _refuse(waiting, LedgerBusy())
                raise
            finally:
                self._gathering.done(batch)
                self._something.set()

    async def _book(self, batch: Batch[_Waiting]) -> None:
        """Book the batch and tell everybody; never raises for what Postgres says."""
        try:
            verdicts = await self._post(batch.items)
        except IntegrityError as error:
            if len(batch.items) == 1:
                _refuse(batch.items[0][1], error)
                return
            # A reference that somebody else booked at this very moment took the whole batch with it.
            for item in batch.items:
                await self._book(Batch([item]))
            return
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("ledger.not_booked", error=type(error).__name__, postings=len(batch.items))
            refusal = LedgerBusy() if getattr(_driver_error(error), "sqlstate", None) == _LOCK_TIMEOUT else error
            for _, waiting in batch.items:
                _refuse(waiting, refusal)
            return
        busy: dict[UUID, list[_Waiting]] = defaultdict(list)
        for (org_id, waiting), verdict in zip(batch.items, verdicts, strict=True):
            match verdict:
                case "busy":
                    busy[org_id].append(waiting)
                case "no_credit":
                    _refuse(waiting, NoCredit())
                case _ if not waiting.verdict.done():
                    waiting.verdict.set_result(verdict == "booked")
        for org_id, postings in busy.items():
            self._gathering.again(org_id, postings)

    async def _post(self, items: Sequence[tuple[UUID, _Waiting]]) -> list[str]:
        postings = [waiting.posting for _, waiting in items]
        values = {
            "orgs": [org_id for org_id, _ in items],
            "kinds": [posting.kind for posting in postings],
            "references": [posting.reference for posting in postings],
            "calls": [posting.call_id for posting in postings],
            "moves": amounts(*(posting.moves for posting in postings)),
        }
        async with asyncio.timeout(BOOK_TIMEOUT_S), self._engine.connect() as pooled:
            # One statement is one transaction: no trips to begin and to end it.
            connection = await pooled.execution_options(isolation_level="AUTOCOMMIT")
            return list((await connection.execute(_POST_ALL, values)).scalar_one())


def _driver_error(error: Exception) -> BaseException | None:
    return error.orig if isinstance(error, DBAPIError) else None


def _refuse(waiting: _Waiting, error: Exception) -> None:
    if not waiting.verdict.done():  # else its caller was cancelled
        waiting.verdict.set_exception(error)
