"""How many postings a second the ledger books: spread over many wallets, and on one that all want.

Beside it, in turns in the same run, a plain debit function of a database: the statements that anybody would write (a
conditional update, the other account, the transaction with its unique reference, two entries) in one call and one
trip, on tables without row security, foreign keys or checks of sums, by the bare driver. It is called one by one by
as many connections as the pool of a process has. Postgres is durable for both: fsync and synchronous_commit are on.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from statistics import median
from typing import Final
from uuid import UUID

import psycopg
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.crm.measures import Bed, MeasureFailed
from bench.servers import Database
from crm.billing.ledger import Ledger
from crm.billing.model import AccountKind, Transaction
from crm.billing.posting_desk import Posting, PostingDesk
from crm.billing.replay import replay
from crm.database import POOL_MAX, Sessions, open_engine, open_sessions
from crm.identity.model import Organisation
from crm.unit_of_work import UnitOfWork
from events.ids import new_id
from events.money import Millicredits

WALLETS: Final = 1_000
CALLERS: Final = 256
ROUNDS: Final = 3
ROUND_S: Final = 5.0
ROUND_SMALL_S: Final = 1.0
CREDIT: Final = Millicredits(10**12)

_PLAIN: Final = (
    "CREATE TABLE plain_accounts (id uuid PRIMARY KEY, balance bigint NOT NULL)",
    "CREATE TABLE plain_transactions (id uuid PRIMARY KEY, wallet uuid NOT NULL, reference text NOT NULL,"
    " at timestamptz NOT NULL DEFAULT now(), UNIQUE (wallet, reference))",
    "CREATE TABLE plain_entries (id uuid PRIMARY KEY, transaction_id uuid NOT NULL, account_id uuid NOT NULL,"
    " amount bigint NOT NULL)",
    "CREATE INDEX plain_entries_account ON plain_entries (account_id)",
    "CREATE INDEX plain_entries_transaction ON plain_entries (transaction_id)",
    """CREATE FUNCTION plain_debit(payer uuid, payee uuid, price bigint, told text) RETURNS boolean
        LANGUAGE plpgsql AS $$
        DECLARE made uuid := uuidv7();
        BEGIN
            UPDATE plain_accounts SET balance = balance - price WHERE id = payer AND balance >= price;
            IF NOT FOUND THEN
                RETURN false;
            END IF;
            UPDATE plain_accounts SET balance = balance + price WHERE id = payee;
            INSERT INTO plain_transactions (id, wallet, reference) VALUES (made, payer, told);
            INSERT INTO plain_entries VALUES (uuidv7(), made, payer, -price), (uuidv7(), made, payee, price);
            RETURN true;
        END $$""",
    "GRANT SELECT, INSERT, UPDATE ON plain_accounts, plain_transactions, plain_entries TO PUBLIC",
)


async def measure(bed: Bed) -> Mapping[str, float]:
    """Return medians of the rounds, a second; a ratio is the median of each round's own.

    Raises:
        MeasureFailed: Postgres is not durable, or the books are not right afterwards.
    """
    rounds, round_s = (1, ROUND_SMALL_S) if bed.small else (ROUNDS, ROUND_S)
    wallets = WALLETS // 10 if bed.small else WALLETS
    engine = open_engine(bed.database.app_url)
    try:
        await _check_durable(engine)
        sessions = open_sessions(engine)
        payers = [(new_id(), new_id()) for _ in range(wallets)]
        await _make_plain(bed.database, payers)
        orgs = await _make_orgs(sessions, wallets)
        plain: dict[str, list[float]] = {"spread": [], "hot": []}
        own: dict[str, list[float]] = {"spread": [], "hot": []}
        booked = 0
        async with PostingDesk.running(engine) as desk:
            for _ in range(rounds):
                for name, by, of in (("spread", payers, orgs), ("hot", payers[:1], orgs[:1])):
                    plain[name].append(await _plain(bed.database.app_url, by, round_s))
                    count, rate = await _own(desk, of, round_s)
                    own[name].append(rate)
                    booked += count
                    bed.tell(f"postings: {name}: {rate:.0f} a second, the plain function {plain[name][-1]:.0f}")
        await _check(sessions, orgs, booked)
    finally:
        await engine.dispose()
    figures = {f"postings_per_s.{name}": round(median(rates), 1) for name, rates in own.items()}
    for name, rates in own.items():
        ratio = median(ours / theirs for ours, theirs in zip(rates, plain[name], strict=True))
        figures[f"ratio.{name}"] = round(ratio, 2)
    return figures


async def _own(desk: PostingDesk, orgs: Sequence[UUID], seconds: float) -> tuple[int, float]:
    """Return how many were booked, and how many a second."""
    moves = {AccountKind.WALLET: -10, AccountKind.REVENUE: 10}

    async def debit(number: int) -> None:
        if not await desk.post(orgs[number % len(orgs)], Posting("debit", f"bench:{new_id()}", moves)):
            raise MeasureFailed("a posting that was new was taken for a repeat")

    return await _by(CALLERS, seconds, [debit] * CALLERS)


async def _plain(url: str, payers: Sequence[tuple[UUID, UUID]], seconds: float) -> float:
    dsn = url.replace("postgresql+psycopg", "postgresql")
    connections = [await psycopg.AsyncConnection.connect(dsn, autocommit=True) for _ in range(POOL_MAX)]

    def debit_by(connection: psycopg.AsyncConnection) -> Callable[[int], Awaitable[None]]:
        async def debit(number: int) -> None:
            payer, payee = payers[number % len(payers)]
            values = (payer, payee, 10, f"bench:{new_id()}")
            answer = await connection.execute("SELECT plain_debit(%s, %s, %s, %s)", values)
            if await answer.fetchone() != (True,):
                raise MeasureFailed("the plain function refused a debit that is paid for")

        return debit

    try:
        return (await _by(POOL_MAX, seconds, [debit_by(connection) for connection in connections]))[1]
    finally:
        for connection in connections:
            await connection.close()


async def _by(callers: int, seconds: float, debits: Sequence[Callable[[int], Awaitable[None]]]) -> tuple[int, float]:
    done = 0
    begun = time.perf_counter()

    async def call(number: int) -> None:
        nonlocal done
        turn = number
        while time.perf_counter() - begun < seconds:
            await debits[number](turn)
            # A step that meets every wallet, and not those of its neighbours.
            turn += callers * 7 + 1
            done += 1

    async with asyncio.TaskGroup() as tasks:
        for number in range(callers):
            tasks.create_task(call(number), name="bench.caller")
    return done, done / (time.perf_counter() - begun)


async def _check_durable(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            if await connection.scalar(text(f"SHOW {setting}")) != "on":
                raise MeasureFailed(f"{setting} is off in this Postgres")


async def _make_plain(database: Database, payers: Sequence[tuple[UUID, UUID]]) -> None:
    dsn = database.owner_url.replace("postgresql+psycopg", "postgresql")
    async with await psycopg.AsyncConnection.connect(dsn) as owner:
        for statement in _PLAIN:
            await owner.execute(statement)
        async with owner.cursor() as cursor:
            rows = [(account, CREDIT) for pair in payers for account in pair]
            await cursor.executemany("INSERT INTO plain_accounts VALUES (%s, %s)", rows)


async def _make_orgs(sessions: Sessions, count: int) -> list[UUID]:
    orgs = [new_id() for _ in range(count)]
    for org_id in orgs:
        async with UnitOfWork(sessions, org_id) as unit:
            unit.session.add(Organisation(id=org_id, name="Bench", slug=str(org_id)))
            await unit.session.flush()
            await Ledger(unit).open_accounts()
            await Ledger(unit).fund(CREDIT, "fund:bench")
            await unit.commit()
    return orgs


async def _check(sessions: Sessions, orgs: Sequence[UUID], booked: int) -> None:
    found = 0
    for org_id in orgs:
        async with UnitOfWork(sessions, org_id) as unit:
            ledger = Ledger(unit)
            if await ledger.total() or await replay(unit):
                raise MeasureFailed("the ledger does not sum to zero, or a wallet is not the sum of its entries")
            count = select(func.count()).select_from(Transaction).where(Transaction.org_id == org_id)
            found += (await unit.session.execute(count)).scalar_one() - 1
    if found != booked:
        raise MeasureFailed(f"{booked} postings were booked, and {found} are there")
