"""What a person's page is told of the end of the call: before it comes, and when it has. Sans-I/O."""

from collections.abc import Mapping
from typing import Final

from telephony.call.ending import Ending, Why
from telephony.people import messages

_SOON: Final[Mapping[Why, str]] = {
    Why.CREDITS: "The organisation's credits run out: the call ends then, unless somebody buys more.",
    Why.TIME_LIMIT: "The call will have lasted as long as calls may: it ends then.",
    Why.NODE_STOPS: "The call's server is being stopped: the call ends then at the latest.",
}
_OVER: Final[Mapping[Why | None, str]] = {
    None: "The call is over.",
    Why.CREDITS: "The call is over: the organisation's credits ran out.",
    Why.TIME_LIMIT: "The call is over: it had lasted as long as calls may.",
    Why.NODE_STOPS: "The call is over: its server was stopped.",
}


def soon(ending: Ending) -> messages.Ending:
    if ending.why is None:
        return messages.Ending("", 0.0, "The call does not end so soon any more.")
    return messages.Ending(ending.why.value, round(ending.in_s, 1), _SOON[ending.why])


def over(why: Why | None) -> str:
    """Return the sentence for the end of a call that lasted until `why`; None: it ended otherwise."""
    return _OVER[why]
