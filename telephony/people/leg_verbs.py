"""What who has the word can ask for beside talking: that somebody else is telephoned."""

from collections.abc import Mapping
from typing import Final

from telephony.call.leg_acts import Transfer
from telephony.people import messages
from telephony.people.verbs import Place, Said, Verb, said


async def _transfer(place: Place, body: messages.Transfer) -> Said:
    return said(await place.presence.act(Transfer(body.number)))


VERBS: Final[Mapping[str, Verb]] = {"transfer": Verb(messages.Transfer, _transfer)}
