"""Conversations, messages and read marks in the database, of the unit's organisation."""

from uuid import UUID

from sqlalchemy import case, func, select, update
from sqlalchemy.dialects.postgresql import insert

from crm.database import utc_now
from crm.inbox.channels import Channel, Fault, Progress, Status
from crm.inbox.model import Conversation, Message, ReadMark
from crm.unit_of_work import UnitOfWork
from events.ids import new_id


class InboxStore:
    def __init__(self, unit: UnitOfWork) -> None:
        self._session = unit.session
        self._org_id = unit.org_id

    async def lock(self, conversation_id: UUID) -> Conversation | None:
        """Return the conversation as it is now, and keep others from writing in it until this transaction ends."""
        mine = select(Conversation).where(Conversation.org_id == self._org_id, Conversation.id == conversation_id)
        return (
            await self._session.scalars(mine.with_for_update().execution_options(populate_existing=True))
        ).one_or_none()

    async def open_one(self, lead_id: UUID, channel: Channel) -> Conversation | None:
        """Return the active conversation with a lead on a channel, the latest of several, and hold it as `lock` does.

        Two that look at once both find none, unless they hold the lead.
        """
        mine = (Conversation.org_id == self._org_id, Conversation.lead_id == lead_id)
        active = (Conversation.channel == channel.value, Conversation.status == Status.ACTIVE.value)
        latest = select(Conversation).where(*mine, *active).order_by(Conversation.last_message_at.desc()).limit(1)
        return (
            await self._session.scalars(latest.with_for_update().execution_options(populate_existing=True))
        ).one_or_none()

    async def message(self, message_id: UUID, conversation_id: UUID | None = None) -> Message | None:
        """Return a message; with a conversation only if it is of that one."""
        found = await self._session.get(Message, (self._org_id, message_id))
        return found if found is not None and conversation_id in (None, found.conversation_id) else None

    async def lock_message(self, message_id: UUID) -> Message | None:
        mine = select(Message).where(Message.org_id == self._org_id, Message.id == message_id).with_for_update()
        return (await self._session.scalars(mine.execution_options(populate_existing=True))).one_or_none()

    async def mark_read(self, conversation_id: UUID, user_id: UUID, number: int, incoming: int) -> int:
        """Note how far somebody has read, unless they have read further; return how many incoming ones they have."""
        values = {"number": number, "incoming": incoming, "at": utc_now()}
        keys = {"org_id": self._org_id, "conversation_id": conversation_id, "user_id": user_id}
        put = insert(ReadMark).values(id=new_id(), **keys, **values)
        # What stands there is written again, so that it is there to be returned.
        further = {
            "number": func.greatest(ReadMark.number, put.excluded.number),
            "incoming": func.greatest(ReadMark.incoming, put.excluded.incoming),
            "at": put.excluded.at,
        }
        put = put.on_conflict_do_update(index_elements=["org_id", "user_id", "conversation_id"], set_=further)
        return int(await self._session.scalar(put.returning(ReadMark.incoming)) or 0)

    async def read_by(self, conversation_id: UUID, user_id: UUID) -> int:
        """Return how many of a conversation's incoming messages somebody has read."""
        mine = (ReadMark.org_id == self._org_id, ReadMark.conversation_id == conversation_id)
        asked = select(ReadMark.incoming).where(*mine, ReadMark.user_id == user_id)
        return int(await self._session.scalar(asked) or 0)

    async def forget_call(self, call_id: UUID) -> None:
        """Take the words out of what was promised in a call; what was not sent yet is not sent any more."""
        waits = Message.status == Progress.QUEUED.value
        await self._session.execute(
            update(Message)
            .where(Message.org_id == self._org_id, Message.call_id == call_id)
            .values(
                content="",
                to_address="",
                fault=case((waits, Fault.ERASED.value), else_=Message.fault),
                status=case((waits, Progress.FAILED.value), else_=Message.status),
            )
        )
