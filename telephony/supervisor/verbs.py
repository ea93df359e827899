"""What people in a call can ask for beside talking: take it over, instruct the agent, listen in, follow what happens.

Verbs of the people's socket (telephony/people): who asks is in the call already.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import msgspec

from events.ticket import Seat
from telephony.call.person_acts import HandBack, TakeOver, Whisper
from telephony.people.presence import NotDone, Presence
from telephony.people.verbs import Place, Said, Verb, said
from telephony.supervisor.organisations import BadPlace


class TakeOverAsked(msgspec.Struct, frozen=True):
    pass


class HandBackAsked(msgspec.Struct, frozen=True):
    agreed: str = ""  # what the agent has to know, beside what was said


class WhisperAsked(msgspec.Struct, frozen=True):
    text: str


class Listen(msgspec.Struct, frozen=True):
    on: bool


class Follow(msgspec.Struct, frozen=True):
    after: int = 0  # the number of the last event that the page has


class FollowOrganisation(msgspec.Struct, frozen=True):
    after: str = ""  # the id of the last message that the page has
    on: bool = True


async def _take_over(place: Place, body: TakeOverAsked) -> Said:
    return said(await place.presence.act(TakeOver()))


async def _hand_back(place: Place, body: HandBackAsked) -> Said:
    return said(await place.presence.act(HandBack(body.agreed)))


async def _whisper(place: Place, body: WhisperAsked) -> Said:
    return said(await place.presence.act(Whisper(body.text)))


async def _listen(place: Place, body: Listen) -> Said:
    presence = place.presence
    tap, name = presence.call.people.tap, presence.person.id
    tap.listen(name, presence.feed if body.on else None)
    _until_gone(presence, "listen", partial(tap.listen, name, None))
    return Said(data={"listening": body.on})


async def _follow(place: Place, body: Follow) -> Said:
    presence = place.presence
    call, name = presence.call, presence.person.id
    live, tap = call.people.live, call.people.tap
    sees_all = presence.ticket.seat is Seat.SUPERVISOR or live.shows_listeners
    if not live.follow(call.call_id, name, partial(_tell, presence), max(0, body.after), sees_all=sees_all):
        raise NotDone("call_over", "The call is over.")
    tap.follow_levels(name, presence.feed)

    def stop() -> None:
        live.unfollow(call.call_id, name)
        tap.follow_levels(name, None)

    _until_gone(presence, "follow", stop)
    return Said()


async def _follow_organisation(place: Place, body: FollowOrganisation) -> Said:
    presence = place.presence
    if presence.ticket.seat is not Seat.SUPERVISOR:
        raise NotDone("supervisors_only", "Only supervisors follow all of an organisation's calls.")
    stream, name = presence.call.people.live.stream, f"{presence.call.call_id} {presence.person.id}"
    if stream is None:
        raise NotDone("not_here", "This node writes no stream of the organisation's calls.")
    stream.unfollow(name)
    if body.on:
        try:
            stream.follow(name, presence.ticket.org_id, body.after, partial(_tell, presence))
        except BadPlace as error:
            raise NotDone("bad_place", f"{error}.") from None
    _until_gone(presence, "organisation", partial(stream.unfollow, name))
    return Said()


def _tell(presence: Presence, packed: bytes) -> None:
    """Pass a message on as it is: it was packed once for all who get it."""
    presence.tell(msgspec.Raw(packed))


def _until_gone(presence: Presence, what: str, stop: Callable[[], None]) -> None:
    if not presence.call.people.when_gone(presence.person.id, what, stop):
        stop()
        raise NotDone("not_in_call", "You are not in this call any more: come to it again.")


VERBS: Final[Mapping[str, Verb]] = {
    "take_over": Verb(TakeOverAsked, _take_over),
    "hand_back": Verb(HandBackAsked, _hand_back),
    "whisper": Verb(WhisperAsked, _whisper),
    "listen": Verb(Listen, _listen),
    "follow": Verb(Follow, _follow),
    "follow_org": Verb(FollowOrganisation, _follow_organisation),
}
