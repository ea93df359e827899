"""Who of an organisation is there to take calls, and letting oneself in to take them.

The voice nodes say in Redis who attends where; here it is read. A page attends at any node that takes people.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from redis.asyncio import Redis

from crm.bus import REDIS_AWAY
from crm.calls.nodes import RedisAway, VoiceNodes
from crm.identity.member_store import MemberStore
from crm.identity.model import MemberStatus, User
from crm.identity.tokens import Identity
from crm.permissions import Permission, may, require
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork
from events import attendance, wire
from events.attendance import AttendanceTicket, Availability
from events.ids import new_id
from events.ticket import LIFETIME_S


class NoNodeForPeople(Refusal):
    def __init__(self) -> None:
        super().__init__("no_node_for_people")


@dataclass(frozen=True, slots=True)
class Attending:
    """How somebody stands. `since`: when their last call ended, or they became ready; None where nobody knows."""

    user_id: UUID
    name: str
    availability: Availability
    since: datetime | None
    node: str


@dataclass(frozen=True, slots=True)
class Issued:
    token: str  # the socket's first message
    address: str  # of the node's websocket
    ticket: AttendanceTicket


async def list_attendance(unit: UnitOfWork, redis: Redis) -> Sequence[Attending]:
    """Return everybody who may take calls. Raises RedisAway."""
    async with unit:
        members = [
            (member, user)
            for member, user in await MemberStore(unit).all()
            if member.status == MemberStatus.ACTIVE and may(member.role, Permission.CALLS_JOIN)
        ]
    keys = [
        key(unit.org_id, user.id) for _, user in members for key in (wire.seat_key, wire.occupied_key, wire.idle_key)
    ]
    try:
        values: list[Any] = await redis.mget(keys) if keys else []
    except REDIS_AWAY:
        raise RedisAway from None
    return [_attending(user, *values[3 * number : 3 * number + 3]) for number, (_, user) in enumerate(members)]


def _attending(user: User, seat: bytes | None, occupied: bytes | None, idle: bytes | None) -> Attending:
    report = attendance.read(seat)
    moments = [float(idle)] if idle is not None else []
    if report is not None:
        moments.append(report.since)
    since = datetime.fromtimestamp(max(moments), UTC) if moments else None
    node = report.node if report is not None else ""
    return Attending(user.id, user.full_name, attendance.availability(report, occupied), since, node)


async def issue_attendance(person: Identity, unit: UnitOfWork, nodes: VoiceNodes, key: str, now_s: float) -> Issued:
    """Return a ticket by which one's page attends, at the node with the most room.

    Raises:
        NotAllowed: to talk in calls.
        NoNodeForPeople, RedisAway
    """
    require(person.role, Permission.CALLS_JOIN)
    async with unit:
        await unit.act_as_user(person.user_id)
        user = await unit.session.get_one(User, person.user_id)
    free = [node for node in await nodes.reports() if node.people and not node.draining]
    if not free:
        raise NoNodeForPeople
    node = min(free, key=lambda one: (one.load, one.calls, one.node))
    ticket = AttendanceTicket(
        id=new_id(),
        org_id=person.org_id,
        user_id=user.id,
        name=user.full_name,
        role=person.role,
        session_id=person.session_id,
        expires_at=int(now_s) + LIFETIME_S,
    )
    return Issued(attendance.seal(ticket, key), node.people, ticket)
