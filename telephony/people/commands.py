"""All that a person in a call can ask for: each module with verbs of its own is named here once."""

from collections.abc import Mapping
from typing import Final

from telephony.people import leg_verbs, own_verbs
from telephony.people.verbs import Verb, merged
from telephony.supervisor import verbs as supervisor_verbs

VERBS: Final[Mapping[str, Verb]] = merged(own_verbs.VERBS, leg_verbs.VERBS, supervisor_verbs.VERBS)
