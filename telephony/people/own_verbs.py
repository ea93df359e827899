"""What every person in a call can ask for: a peer connection, a role, mute, hold, keys of a telephone, to leave."""

from collections.abc import Mapping
from typing import Final

from media import dtmf
from media.party import TALKS_TO_PROSPECT, TELEPHONED, Role
from telephony.call.person_acts import ChangeRole, Hold
from telephony.people import messages
from telephony.people.presence import NotDone
from telephony.people.verbs import Place, Said, Verb, said
from telephony.softphone.leg import SoftphoneLeg

KEYS_MAX: Final = 32  # six seconds of tones
_ROLES: Final = {role.value: role for role in Role if role not in TELEPHONED}


async def _connect(place: Place, body: messages.Connect) -> Said:
    return Said(data={"sdp": place.connect(body.sdp).answer})


async def _change_role(place: Place, body: messages.ChangeRole) -> Said:
    role = _ROLES.get(body.role)
    if role is None:
        raise NotDone("bad_role", f"role must be one of {', '.join(sorted(_ROLES))}.")
    return said(await place.presence.act(ChangeRole(role)))


async def _mute(place: Place, body: messages.Mute) -> Said:
    place.presence.muted = body.on
    if place.presence.leg is not None:
        place.presence.leg.muted = body.on
    return Said(data={"muted": body.on})


async def _hold(place: Place, body: messages.Hold) -> Said:
    _talking(place)
    return said(await place.presence.act(Hold(body.on)))


async def _keys(place: Place, body: messages.Keys) -> Said:
    leg = _talking(place)
    if not 0 < len(body.keys) <= KEYS_MAX:
        raise NotDone("bad_keys", f"Press 1 to {KEYS_MAX} keys at a time.")
    try:
        tones = dtmf.tones(body.keys)
    except ValueError:
        raise NotDone("bad_keys", f"A telephone has the keys {dtmf.KEYS}; {dtmf.PAUSE} is a pause.") from None
    assert leg.party is not None, "who talks is in the room"
    leg.party.press(tones)
    return Said(data={"keys": body.keys})


async def _leave(place: Place, body: messages.Leave) -> Said:
    place.leave()
    return Said()


async def _ping(place: Place, body: messages.Ping) -> Said:
    return Said()


def _talking(place: Place) -> SoftphoneLeg:
    """Return the leg of somebody whom the prospect hears. Raises NotDone."""
    leg = place.presence.leg
    if leg is None or leg.party is None or leg.party.role not in TALKS_TO_PROSPECT:
        raise NotDone("not_talking", "You do not talk with the prospect now: join in, or take the call over, first.")
    return leg


VERBS: Final[Mapping[str, Verb]] = {
    "connect": Verb(messages.Connect, _connect),
    "role": Verb(messages.ChangeRole, _change_role),
    "mute": Verb(messages.Mute, _mute),
    "hold": Verb(messages.Hold, _hold),
    "keys": Verb(messages.Keys, _keys),
    "leave": Verb(messages.Leave, _leave),
    "ping": Verb(messages.Ping, _ping),
}
