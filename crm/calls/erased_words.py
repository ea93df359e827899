"""What stands in the place of words in the events of a call whose content was erased. Sans-I/O.

Times, outcomes and money stay: they are the organisation's books, and hold nothing that was said.
"""

from typing import Any, Final

import msgspec

from events.call import AgentInstructed, Body, FactNoted, MessageRequested, TurnFinished, WordPassed, kind_of
from events.understanding import CallerUnderstood

_WORDS: Final[dict[type[Body], dict[str, Any]]] = {
    AgentInstructed: {"text": ""},
    WordPassed: {"agreed": ""},
    CallerUnderstood: {"quotes": ()},
    MessageRequested: {"text": "", "to": ""},
    TurnFinished: {"text": "", "heard_text": ""},
    FactNoted: {"text": "", "when": "", "details": {}},
}
# By the event's kind.
BLANK: Final = {str(kind.__struct_config__.tag): members for kind, members in _WORDS.items()}


def without_words(body: Body) -> Body:
    """Return an event's body as it is kept of such a call."""
    return msgspec.structs.replace(body, **BLANK.get(kind_of(body), {}))
