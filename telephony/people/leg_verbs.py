"""What who has the word can ask for beside talking: that somebody else is telephoned, and who talks with whom then."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from telephony.call.leg_acts import Arranging, Cancel, Complete, Confer, Consult, Swap, Transfer
from telephony.people import messages
from telephony.people.verbs import Place, Said, Verb, said


async def _transfer(place: Place, body: messages.Transfer) -> Said:
    return said(await place.presence.act(Transfer(body.number)))


async def _consult(place: Place, body: messages.Consult) -> Said:
    return said(await place.presence.act(Consult(body.number)))


def _arranges(act: Arranging) -> Callable[[Place, messages.Arrange], Awaitable[Said]]:
    async def arrange(place: Place, body: messages.Arrange) -> Said:
        return said(await place.presence.act(act))

    return arrange


async def _complete(place: Place, body: messages.Arrange) -> Said:
    done = said(await place.presence.act(Complete()))
    place.leave()
    return done


VERBS: Final[Mapping[str, Verb]] = {
    "transfer": Verb(messages.Transfer, _transfer),
    "consult": Verb(messages.Consult, _consult),
    "swap": Verb(messages.Arrange, _arranges(Swap())),
    "conference": Verb(messages.Arrange, _arranges(Confer())),
    "complete": Verb(messages.Arrange, _complete),
    "cancel": Verb(messages.Arrange, _arranges(Cancel())),
}
