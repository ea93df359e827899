"""The ledger's store: accounts and postings of one organisation, inside the caller's transaction.

Every posting moves thousandths of a credit between accounts and sums to zero, which the database checks again. It is
one statement (`ledger_post` of migration r0010). Only the wallet has a balance that a posting has to wait for, and only
what moves the wallet waits; the other accounts hold the sum of their entries. So no two postings wait in a circle.
"""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from sqlalchemy import Select, func, select, text

from crm.billing.model import Account, AccountKind, ArchivedTransaction, Entry, Transaction
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork
from events.money import Millicredits

_POST: Final = text("SELECT ledger_post(:org, :kind, :reference, CAST(:call AS uuid), CAST(:moves AS bigint[]))")
_REFUSED: Final = -1  # what ledger_post says when the wallet does not pay


class NoCredit(Refusal):
    """The wallet does not have what a debit asks for; nothing was moved."""

    def __init__(self) -> None:
        super().__init__("no_credit")


class Ledger:
    def __init__(self, unit: UnitOfWork) -> None:
        self._session = unit.session
        self._org_id = unit.org_id

    async def open_accounts(self) -> None:
        """Make the organisation's accounts; called once, with the organisation."""
        self._session.add_all(Account(org_id=self._org_id, kind=kind.value) for kind in AccountKind)
        await self._session.flush()

    async def fund(self, amount: Millicredits, reference: str) -> None:
        """Put credits in, as `take_in` does."""
        await self.take_in(amount, AccountKind.FUNDING, "fund", reference)

    async def take_in(
        self, amount: Millicredits, source: AccountKind, kind: str, reference: str, call_id: UUID | None = None
    ) -> None:
        """Take credits from `source`: first for what was used and could not be paid then, the rest into the wallet."""
        assert amount > 0, "only a positive amount can be put in"
        # Two that come at once must not both pay for the same shortfall; what adds to it locks the wallet too.
        await self.lock_wallet()
        repaid = min(amount, await self.owed())
        moves = {source: -amount, AccountKind.SHORTFALL: repaid, AccountKind.WALLET: amount - repaid}
        await self.post(kind, reference, moves, call_id)

    async def debit(self, amount: Millicredits, kind: str, reference: str) -> None:
        """Take `amount` out of the wallet as revenue.

        Raises:
            NoCredit: the wallet has less.
        """
        assert amount > 0, "only a positive amount can be taken"
        await self.post(kind, reference, {AccountKind.WALLET: -amount, AccountKind.REVENUE: amount})

    async def wallet(self) -> Millicredits:
        """Return the wallet's balance, which others may change at once."""
        return Millicredits((await self._session.execute(self._wallet())).scalar_one())

    async def lock_wallet(self) -> Millicredits:
        """Return the wallet's balance and keep others from changing it until this transaction ends."""
        return Millicredits((await self._session.execute(self._wallet().with_for_update())).scalar_one())

    async def balances(self) -> dict[AccountKind, int]:
        """Return what each account holds: the sums of their entries, and the wallet's own balance."""
        return (await self.balanced())[0]

    async def balanced(self) -> tuple[dict[AccountKind, int], int]:
        """Return the balances with the sum of all entries, which is zero, in one pass over the entries."""
        sums = await self._sums()
        balances = {kind: balance if kind is AccountKind.WALLET else held for kind, balance, held in sums}
        return balances, sum(held for _, _, held in sums)

    async def post(
        self, kind: str, reference: str, moves: Mapping[AccountKind, int], call_id: UUID | None = None
    ) -> None:
        """Book one transaction; moves of zero are left out, and nothing is booked when none is left.

        Raises:
            NoCredit: the wallet would become negative; nothing was booked, and the transaction may go on.
            sqlalchemy.exc.IntegrityError: the reference was booked before; the transaction is lost.
        """
        assert sum(moves.values()) == 0, "a posting sums to zero"
        if not any(moves.values()):
            return
        values = {"org": self._org_id, "kind": kind, "reference": reference, "call": call_id, "moves": amounts(moves)}
        if (await self._session.execute(_POST, values)).scalar_one() == _REFUSED:
            raise NoCredit

    async def owed(self) -> Millicredits:
        """Return what was used and could not be paid until now."""
        return Millicredits(-min(0, await self._held_by(AccountKind.SHORTFALL)))

    async def is_booked(self, reference: str) -> bool:
        """Whether a transaction has that reference, now or years ago; with the wallet locked the answer stays."""
        for made in (Transaction, ArchivedTransaction):
            booked = select(made.id).where(made.org_id == self._org_id, made.reference == reference)
            if await self._session.scalar(booked) is not None:
                return True
        return False

    async def total(self) -> int:
        """Return the sum of all entries, which is zero."""
        return (await self.balanced())[1]

    async def _sums(self) -> list[tuple[AccountKind, int, int]]:
        """Return (account, its row's balance, the sum of its entries), of one moment."""
        rows = await self._session.execute(
            select(Account.kind, Account.balance, func.coalesce(func.sum(Entry.amount), 0))
            .outerjoin(Entry, (Entry.org_id == Account.org_id) & (Entry.account_id == Account.id))
            .where(Account.org_id == self._org_id)
            .group_by(Account.kind, Account.balance)
        )
        return [(AccountKind(kind), balance, int(held)) for kind, balance, held in rows]

    async def _held_by(self, kind: AccountKind) -> int:
        """Return the sum of one account's entries."""
        sums = (
            select(func.coalesce(func.sum(Entry.amount), 0))
            .join(Account, (Account.org_id == Entry.org_id) & (Account.id == Entry.account_id))
            .where(Entry.org_id == self._org_id, Account.org_id == self._org_id, Account.kind == kind.value)
        )
        return int((await self._session.execute(sums)).scalar_one())

    def _wallet(self) -> Select[int]:
        # Rows of Account are never held as objects, so nothing in memory has to follow.
        return select(Account.balance).where(Account.org_id == self._org_id, Account.kind == AccountKind.WALLET.value)


def amounts(*postings: Mapping[AccountKind, int]) -> list[int]:
    """Return the moves of postings as the database's functions take them: all accounts of each, one after another."""
    return [moves.get(account, 0) for moves in postings for account in AccountKind]
