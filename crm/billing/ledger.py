"""The ledger's store: accounts and postings of one organisation, inside the caller's transaction.

Every posting moves thousandths of a credit between accounts and sums to zero; the database checks that again
at commit. Accounts are always touched in the order of AccountKind, so that postings never wait in a circle.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update

from crm.billing.model import Account, AccountKind, Entry, Transaction
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork
from events.ids import new_id
from events.money import Millicredits

GUARDED: Final = frozenset({AccountKind.WALLET, AccountKind.HELD})


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
        """Put credits into the wallet."""
        assert amount > 0, "only a positive amount can be put in"
        await self.post("fund", reference, {AccountKind.WALLET: amount, AccountKind.FUNDING: -amount})

    async def debit(self, amount: Millicredits, kind: str, reference: str) -> None:
        """Take `amount` out of the wallet as revenue.

        Raises:
            NoCredit: the wallet has less.
        """
        assert amount > 0, "only a positive amount can be taken"
        await self.post(kind, reference, {AccountKind.WALLET: -amount, AccountKind.REVENUE: amount})

    async def lock_wallet(self) -> Millicredits:
        """Return the wallet's balance and keep others from changing it until this transaction ends."""
        statement = select(Account.balance).where(self._is(AccountKind.WALLET)).with_for_update()
        return Millicredits((await self._session.execute(statement)).scalar_one())

    async def balances(self) -> dict[AccountKind, int]:
        rows = await self._session.execute(select(Account.kind, Account.balance).where(Account.org_id == self._org_id))
        return {AccountKind(kind): balance for kind, balance in rows}

    async def post(
        self, kind: str, reference: str, moves: Mapping[AccountKind, int], call_id: UUID | None = None
    ) -> None:
        """Book one transaction; moves of zero are left out, and nothing is booked when none is left.

        Raises:
            NoCredit: the wallet would become negative.
        """
        assert sum(moves.values()) == 0, "a posting sums to zero"
        transaction_id = new_id()
        entries: list[Entry] = []
        for account in AccountKind:
            amount = moves.get(account, 0)
            if amount:
                account_id = await self._move(account, amount)
                entries.append(
                    Entry(org_id=self._org_id, transaction_id=transaction_id, account_id=account_id, amount=amount)
                )
        if not entries:
            return
        self._session.add(
            Transaction(org_id=self._org_id, id=transaction_id, kind=kind, reference=reference, call_id=call_id)
        )
        # No relationship tells SQLAlchemy the order, and the entries refer to their transaction.
        await self._session.flush()
        self._session.add_all(entries)
        await self._session.flush()

    async def statement(self, limit: int, call_id: UUID | None = None) -> Sequence[tuple[Transaction, str, int]]:
        """Return (transaction, account's kind, amount) of the newest transactions, newest first."""
        newest = select(Transaction.id).where(Transaction.org_id == self._org_id)
        if call_id is not None:
            newest = newest.where(Transaction.call_id == call_id)
        newest = newest.order_by(Transaction.id.desc()).limit(limit)
        rows = await self._session.execute(
            select(Transaction, Account.kind, Entry.amount)
            .join(Entry, (Entry.org_id == Transaction.org_id) & (Entry.transaction_id == Transaction.id))
            .join(Account, (Account.org_id == Entry.org_id) & (Account.id == Entry.account_id))
            .where(Transaction.org_id == self._org_id, Transaction.id.in_(newest))
            .order_by(Transaction.id.desc(), Entry.id)
        )
        return [(row[0], row[1], row[2]) for row in rows]

    async def total(self) -> int:
        """Return the sum of all entries, which is zero."""
        statement = select(func.coalesce(func.sum(Entry.amount), 0)).where(Entry.org_id == self._org_id)
        return int((await self._session.execute(statement)).scalar_one())

    async def _move(self, account: AccountKind, amount: int) -> UUID:
        """Change one balance by one conditional statement and return the account's id."""
        statement = update(Account).where(self._is(account)).values(balance=Account.balance + amount)
        if account in GUARDED and amount < 0:
            statement = statement.where(Account.balance >= -amount)
        # Rows of Account are never held as objects, so nothing in memory has to follow.
        statement = statement.returning(Account.id).execution_options(synchronize_session=False)
        account_id = (await self._session.execute(statement)).scalar_one_or_none()
        if account_id is None:
            assert account is AccountKind.WALLET, f"the account {account} is missing or holds too little"
            raise NoCredit
        return account_id

    def _is(self, account: AccountKind) -> ColumnElement[bool]:
        return (Account.org_id == self._org_id) & (Account.kind == account.value)
