"""Lists of conversations and of messages in the database, of the unit's organisation.

How many messages somebody has not read is a difference of two counts, the conversation's and their mark's: a list
counts no rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, select

from crm.inbox.channels import Channel, Status
from crm.inbox.model import Conversation, Message, ReadMark
from crm.page_cursor import Cursor, after
from crm.unit_of_work import UnitOfWork

Sort = Literal["last_message_at", "created_at"]
Order = Literal["asc", "desc"]

SORTS: Final = {"last_message_at": Conversation.last_message_at, "created_at": Conversation.created_at}
_READ: Final[ColumnElement[int]] = func.coalesce(ReadMark.incoming, 0)
_UNREAD: Final[ColumnElement[int]] = Conversation.incoming_count - _READ


@dataclass(frozen=True, slots=True)
class ConversationFilters:
    """What is None filters nothing."""

    status: Status | None = None
    channel: Channel | None = None
    owner_id: UUID | None = None
    lead_id: UUID | None = None
    unread: bool | None = None  # by whoever asks


class InboxLists:
    """As one person sees them."""

    def __init__(self, unit: UnitOfWork, reader_id: UUID) -> None:
        self._session = unit.session
        self._org_id = unit.org_id
        self._marked = and_(
            ReadMark.org_id == unit.org_id,
            ReadMark.user_id == reader_id,
            ReadMark.conversation_id == Conversation.id,
        )

    async def page(
        self, number: int, limit: int, sort: Sort, order: Order, filters: ConversationFilters
    ) -> Sequence[tuple[Conversation, int]]:
        """Return page `number`, from 1, of conversations, each with how much of it is unread."""
        return await self._rows(self.listing(None, limit, sort, order, filters).offset((number - 1) * limit))

    async def count(self, filters: ConversationFilters) -> int:
        counted = select(func.count()).select_from(Conversation)
        if filters.unread is not None:
            counted = counted.outerjoin(ReadMark, self._marked)
        return int(await self._session.scalar(counted.where(*self._conditions(filters))) or 0)

    async def following(
        self, cursor: Cursor | None, most: int, sort: Sort, order: Order, filters: ConversationFilters
    ) -> Sequence[tuple[Conversation, int]]:
        return await self._rows(self.listing(cursor, most, sort, order, filters))

    def listing(
        self, cursor: Cursor | None, most: int, sort: Sort, order: Order, filters: ConversationFilters
    ) -> Select[Conversation, int]:
        """Return what the lists ask of the database."""
        column, descending = SORTS[sort], order == "desc"
        ordering = (column.desc(), Conversation.id.desc()) if descending else (column.asc(), Conversation.id.asc())
        place = after(cursor, column.expression, Conversation.id.expression, descending=descending)
        rows = select(Conversation, _UNREAD.label("unread")).outerjoin(ReadMark, self._marked)
        return rows.where(*self._conditions(filters), *place).order_by(*ordering).limit(most)

    async def unread(self) -> tuple[int, int]:
        """Return in how many active conversations there is something unread, and how many messages that are."""
        sums = select(func.count(), func.coalesce(func.sum(_UNREAD), 0)).select_from(Conversation)
        some = self._conditions(ConversationFilters(status=Status.ACTIVE, unread=True))
        row = (await self._session.execute(sums.outerjoin(ReadMark, self._marked).where(*some))).one()
        return int(row[0]), int(row[1])

    async def messages(
        self, conversation_id: UUID, order: Order, most: int, *, after_number: int | None = None, skip: int = 0
    ) -> Sequence[Message]:
        """Return at most so many messages, those that come behind a number in that order."""
        return (
            await self._session.scalars(self.messages_listing(conversation_id, order, most, after_number).offset(skip))
        ).all()

    def messages_listing(
        self, conversation_id: UUID, order: Order, most: int, after_number: int | None
    ) -> Select[Message]:
        descending = order == "desc"
        found = select(Message).where(Message.org_id == self._org_id, Message.conversation_id == conversation_id)
        if after_number is not None:
            found = found.where(Message.number < after_number if descending else Message.number > after_number)
        return found.order_by(Message.number.desc() if descending else Message.number.asc()).limit(most)

    async def _rows(self, statement: Select[Conversation, int]) -> Sequence[tuple[Conversation, int]]:
        return [(row[0], int(row[1])) for row in await self._session.execute(statement)]

    def _conditions(self, filters: ConversationFilters) -> list[ColumnElement[bool]]:
        equal: dict[str, Any] = {
            "status": filters.status and filters.status.value,
            "channel": filters.channel and filters.channel.value,
            "owner_id": filters.owner_id,
            "lead_id": filters.lead_id,
        }
        conditions: list[ColumnElement[bool]] = [Conversation.org_id == self._org_id]
        conditions += [getattr(Conversation, name) == value for name, value in equal.items() if value is not None]
        if filters.unread is not None:
            conditions.append(Conversation.incoming_count > _READ if filters.unread else _UNREAD == 0)
        return conditions
