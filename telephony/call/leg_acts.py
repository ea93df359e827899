"""What a person in a call does with other people's telephones, and why it may not be done. Sans-I/O.

Who has the word puts the prospect through to somebody else, and our part of the call ends; or asks somebody first: a
second telephone joins the call's room, while the prospect hears music, and is talked with alone, or by all, or left
with the prospect.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from events.legs import NUMBER_CHARS_MAX


@dataclass(frozen=True, slots=True)
class Transfer:
    """Put the prospect through to that number, and be out of it."""

    number: str


@dataclass(frozen=True, slots=True)
class Consult:
    """Have that number telephoned, with the prospect on hold meanwhile."""

    number: str


@dataclass(frozen=True, slots=True)
class Swap:
    """Talk with the other of the two; the one before hears music."""


@dataclass(frozen=True, slots=True)
class Confer:
    """Talk all three."""


@dataclass(frozen=True, slots=True)
class Complete:
    """Leave the prospect and the one who was telephoned to each other."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Hang up on the one who was telephoned, and be back with the prospect."""


Dialling = Transfer | Consult
Arranging = Swap | Confer | Complete | Cancel
LegAct = Dialling | Arranging


class Arrangement(StrEnum):
    """Who talks with whom while there is a second telephone."""

    CONSULTING = (
        "consulting"  # the colleague with the telephoned one, or they wait for the answer; the prospect on hold
    )
    ASIDE = "aside"  # the colleague with the prospect; the telephoned one on hold
    CONFERENCE = "conference"  # all three
    PASSED_ON = "passed_on"  # the prospect with the telephoned one; the colleague has left


SENTENCES: Final[Mapping[str, str]] = {
    "bad_number": f"Write a number of at most {NUMBER_CHARS_MAX} characters, with its country: +1 202 555 0150.",
    "being_asked": "Somebody is being telephoned already: complete or cancel that first.",
    "no_leg": "Nobody is being telephoned: ask for somebody first.",
    "not_answered": "They have not picked up yet.",
    "full": "As many people are in this call as it takes: somebody must leave first.",
    "being_put_through": "The prospect is being put through already: wait for the carrier's word.",
    "call_changed": "You had the call no more when the answer came: nothing was dialled.",
    "carrier_unknown": "The carrier has not named this call yet: try again in a moment.",
    "crm_away": "Nobody can be asked whether that number may be dialled: try again in a moment.",
    "not_here": "This server telephones nobody else: it has no CRM to ask for a permit.",
    # The gate's reasons
    "number_invalid": "That number cannot be dialled: write it with its country, such as +1 202 555 0150.",
    "number_kind_refused": "Numbers of that kind are not dialled: emergency, short, premium and the like.",
    "country_not_allowed": "Numbers of that country are not dialled here: an administrator of the server can allow it.",
    "do_not_call": "Whoever has that number does not want to be called.",
    "no_credit": "There are not enough credits left for it.",
    "forbidden": "You may not talk in calls any more: ask an administrator of your organisation.",
}
_OTHER: Final = "That number may not be dialled now ({code})."


def sentence(code: str) -> str:
    """Return what a person is told of a refusal: what is in the way, and what to do."""
    return SENTENCES.get(code) or _OTHER.format(code=code)
